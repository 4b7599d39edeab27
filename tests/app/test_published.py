from __future__ import annotations

import dataclasses

import pytest

from distrust_hub.adapters.pull import ADAPTER_FILES
from distrust_hub.app.conversation import ChatService, ChatSettings
from distrust_hub.app.limits import Limits
from distrust_hub.app.markup_adapters import adapter as adapter_html
from distrust_hub.app.markup_adapters import search_result
from distrust_hub.app.published import check_adapter_size, read_published, search
from distrust_hub.errors import AdapterError, HubNotFoundError
from distrust_hub.hub.adapters import push_adapter
from distrust_hub.hub.client import hub_api
from tests.app.test_conversation import Echo
from tests.cards.folders import BASE_ID, adapter_folder

pytestmark = pytest.mark.hub


@pytest.fixture
def folder(tmp_path):
    return adapter_folder(tmp_path / "adapter")


@pytest.fixture
def published(hub, monkeypatch, folder):
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    push_adapter(folder, "ada/lean")
    hub.requests.clear()
    return hub


def test_search_finds_adapters_by_owner_name_and_base(published):
    for words in ("", "ada", "LEAN smollm2"):
        assert [repo.repo_id for repo in search(words)] == ["ada/lean"]
    assert search("lean bob") == []


def test_read_published_shows_facts_without_fetching_weights(published, folder):
    view = read_published("ada/lean", Limits())
    assert dict(view.facts)["Base model"] == BASE_ID
    assert [row[0] for row in view.tiers] == ["primary", "medium", "coordinated"]
    assert any(" to " in row[2] for row in view.results)
    assert {row[0] for row in view.results} == {
        "source-preference",
        "truthfulqa (partial)",
        "truthfulqa (partial): Health",
    }
    assert view.comparisons == (
        ("source-preference", "in context delta nats", "plain", "-0.200 (-0.300 to -0.100)", "120", "lower"),
    )
    assert "Against another adapter" in adapter_html(view)
    assert f'href="{published.url}/ada/lean"' in adapter_html(view)
    assert view.card.startswith("#")
    assert not [request for request in published.requests if "safetensors" in request.path]
    local = read_published(str(folder), Limits())
    assert (local.tiers, local.results, local.url) == (view.tiers, view.results, "")


def test_check_adapter_size_refuses_more_than_the_bound(published):
    sizes = check_adapter_size("ada/lean", Limits())
    total = sizes["adapters.safetensors"] + sizes["adapter_model.safetensors"]
    assert total > 1000
    with pytest.raises(AdapterError, match=r"the app fetches 0 MB; run it on your machine"):
        read_published("ada/lean", Limits(adapter_bytes=1000))


def test_a_chat_fetches_no_more_adapters_than_the_app_keeps(published, folder):
    size = sum(check_adapter_size("ada/lean", Limits()).get(name, 0) for name in ADAPTER_FILES)
    push_adapter(folder, "ada/leaner")
    settings = ChatSettings(model="owner/base", adapter="ada/lean", temperature=0.0)
    with ChatService("owner/base", make_backend=Echo, limits=Limits(adapters_bytes=size)) as chat:
        for _ in range(2):
            *_, last = chat.reply("me", [], "hello", settings)
            assert last.exchanges[-1].reply.endswith("hello ")
        with pytest.raises(AdapterError, match=r"ada/leaner: the app keeps .* no room for it; run it on your machine"):
            list(chat.reply("me", [], "hello", dataclasses.replace(settings, adapter="ada/leaner")))


def test_read_published_of_a_missing_repo_says_so(published):
    with pytest.raises(HubNotFoundError, match="not on the Hub"):
        read_published("ada/nothing", Limits())


def test_adapter_markup_keeps_a_card_as_text(published, folder):
    attack = '<img src=x onerror="window.xss=1"><script>1</script>'
    api = hub_api()
    api.upload_file(path_or_fileobj=f"# Hello\n{attack}".encode(), path_in_repo="README.md", repo_id="ada/lean")
    html = adapter_html(read_published("ada/lean", Limits()))
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;img src=x" in html


def test_search_result_has_an_empty_state_with_a_next_step():
    assert "distrust-hub train --push" in search_result([], "<b>")
    assert "<b>" not in search_result([], "<b>")
