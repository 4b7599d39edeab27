"""A 2 GB adapter goes up in constant memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from distrust_hub.adapters.mlx_format import AdapterConfig, layout
from distrust_hub.files import write_json
from tests.hub_server.fixtures import client_env
from tests.hub_server.server import HubServer

pytestmark = [pytest.mark.hub, pytest.mark.slow]

MODULE = "model.layers.0.mlp.down_proj"
RANK, WIDTH = 1024, 1 << 18
LIMIT = 768 << 20

PUSH = """
import resource, sys
from distrust_hub.cli.main import main
limit, folder = int(sys.argv[1]), sys.argv[2]
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
sys.exit(main(["push", folder, "ada/large"]))
"""


def write_large_adapter(folder: Path) -> int:
    """An adapter of two 1 GB tensors, written as a sparse file; its size in bytes."""
    folder.mkdir()
    half = 4 * RANK * WIDTH
    header = {
        f"{MODULE}.lora_a": {"dtype": "F32", "shape": [WIDTH, RANK], "data_offsets": [0, half]},
        f"{MODULE}.lora_b": {"dtype": "F32", "shape": [RANK, WIDTH], "data_offsets": [half, 2 * half]},
    }
    text = json.dumps(header).encode()
    with (folder / "adapters.safetensors").open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for place in (0, half):
            stream.seek(8 + len(text) + place)
            stream.write(struct.pack("<f", 0.5))
        stream.truncate(8 + len(text) + 2 * half)
    config = AdapterConfig(rank=RANK, scale=1.0, base_model="meta/base", **layout([MODULE], 1))
    write_json(folder / "adapter_config.json", config.to_json([MODULE]))
    return 2 * half


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit on memory is Linux's")
def test_push_of_two_gigabytes_needs_a_fraction_of_that_in_memory(hub: HubServer, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    size = write_large_adapter(folder)
    assert size == 2 << 30
    assert size > 2.5 * LIMIT
    command = [sys.executable, "-c", PUSH, str(LIMIT), str(folder)]
    environment = {**client_env(hub, tmp_path / "home", hub.add_user("ada")), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    blob = hub.repo("ada/large").commits()[0].tree["adapters.safetensors"]
    assert blob.size == (folder / "adapters.safetensors").stat().st_size > size
    (folder / "adapters.safetensors").unlink()
    hub.store.blobs.path(blob).unlink()
