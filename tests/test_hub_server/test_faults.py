"""Every switchable fault does to a client what its name says."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from huggingface_hub import HfApi, get_session, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HTTPError

from tests.hub_server.faults import Fault
from tests.hub_server.server import HubServer
from tests.test_hub_server.conftest import add


def test_status_fault_answers_so_often_and_with_its_headers(hub: HubServer) -> None:
    hub.faults.append(Fault("status", "GET /api/models", status=429, times=2, after=1, headers={"Retry-After": "3"}))
    answers = [get_session().get(f"{hub.url}/api/models") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["Retry-After"] == "3"
    assert get_session().get(f"{hub.url}/api/datasets").status_code == 200


def test_drop_fault_hangs_up_and_does_nothing(model: str, api: HfApi, hub: HubServer) -> None:
    hub.faults.append(Fault("drop", "POST .*/commit/"))
    with pytest.raises(HTTPError) as dropped:
        api.create_commit(model, [add("a.txt", "1")], commit_message="1")
    assert not isinstance(dropped.value, HfHubHTTPError)
    assert "a.txt" not in hub.repo(model).files()


def test_lose_fault_does_what_was_asked_and_hangs_up(model: str, api: HfApi, hub: HubServer) -> None:
    hub.faults.append(Fault("lose", "POST .*/commit/"))
    with pytest.raises(HTTPError):
        api.create_commit(model, [add("a.txt", "1")], commit_message="1")
    assert "a.txt" in hub.repo(model).files()


def test_cut_fault_ends_a_body_half_way_and_the_client_goes_on_from_there(
    model: str, hub: HubServer, no_waiting: list[float]
) -> None:
    hub.faults.append(Fault("cut", "GET .*/adapters.safetensors"))
    path = hf_hub_download(model, "adapters.safetensors")
    assert Path(path).read_bytes() == bytes(range(256)) * 400
    gets = [entry for entry in hub.requests if entry.method == "GET" and entry.path.endswith("adapters.safetensors")]
    assert len(gets) == 2


def test_slow_fault_sends_the_whole_body_in_pieces(model: str, hub: HubServer) -> None:
    hub.faults.append(Fault("slow", "GET .*/adapters.safetensors", seconds=0.01))
    start = time.monotonic()
    path = hf_hub_download(model, "adapters.safetensors")
    assert time.monotonic() - start > 0.1
    assert Path(path).read_bytes() == bytes(range(256)) * 400
