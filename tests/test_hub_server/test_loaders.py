"""The test Hub, driven by the real ``datasets``, ``transformers`` and ``mlx_lm`` loaders."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.hub_server.fixtures import client_env
from tests.hub_server.server import HubServer

pytestmark = pytest.mark.hub

ROWS = [{"text": f"Letter {i}", "authority_weight": i / 10} for i in range(8)]


def push_tokenizer(api: HfApi, folder: Path) -> None:
    """Push to ``ada/tiny`` a byte-level tokenizer of 257 entries with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(["<eos>", *alphabet])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>")
    fast.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    fast.save_pretrained(folder)
    api.create_repo("ada/tiny")
    api.upload_folder(repo_id="ada/tiny", folder_path=folder)


def test_dataset_push_to_hub_then_load_and_stream(api: HfApi, hub: HubServer) -> None:
    from datasets import Dataset, load_dataset

    Dataset.from_list(ROWS).push_to_hub("ada/notes", token=api.token)
    assert hub.repo("ada/notes", "dataset").files() == [
        ".gitattributes",
        "README.md",
        "data/train-00000-of-00001.parquet",
    ]
    assert load_dataset("ada/notes", split="train").to_list() == ROWS
    assert list(load_dataset("ada/notes", split="train", streaming=True)) == ROWS
    head = hub.repo("ada/notes", "dataset").commits()[0].oid

    Dataset.from_list(ROWS[:3]).push_to_hub("ada/notes", token=api.token)
    assert len(load_dataset("ada/notes", split="train")) == 3
    assert len(load_dataset("ada/notes", split="train", revision=head)) == 8


def test_jsonl_dataset_loads_and_streams_from_a_private_repo(api: HfApi) -> None:
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    api.create_repo("ada/private", repo_type="dataset", private=True)
    for split in ("train", "test"):
        api.upload_file(
            path_or_fileobj=lines.encode(), path_in_repo=f"{split}.jsonl", repo_id="ada/private", repo_type="dataset"
        )
    with pytest.raises(DatasetNotFoundError):
        load_dataset("ada/private", token=False)
    assert load_dataset("ada/private", split="test", token=api.token).to_list() == ROWS
    assert list(load_dataset("ada/private", split="train", streaming=True, token=api.token)) == ROWS


def test_auto_tokenizer_loads_with_its_chat_template(api: HfApi, tmp_path: Path) -> None:
    AutoTokenizer = pytest.importorskip("transformers").AutoTokenizer
    push_tokenizer(api, tmp_path / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained("ada/tiny")
    assert tokenizer.decode(tokenizer.encode("Who says so?")) == "Who says so?"
    assert tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False) == "Hi"


@pytest.mark.mlx
def test_mlx_lm_loads_a_model_in_a_child_process(api: HfApi, hub: HubServer, tmp_path: Path) -> None:
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.models.llama import Model, ModelArgs

    config = {
        "model_type": "llama",
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5,
        "vocab_size": 257,
        "eos_token_id": 0,
    }
    model = Model(ModelArgs.from_dict(config))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())), {"format": "mlx"})
    push_tokenizer(api, folder)

    code = (
        "import mlx.core as mx\n"
        "from mlx_lm import load\n"
        "model, tokenizer = load('ada/tiny')\n"
        "print(model(mx.array([tokenizer.encode('Who says so?')]))[0, -1].tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=client_env(hub, tmp_path / "child-home"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(folder).encode("Who says so?")
    expected = model(mx.array([ids]))[0, -1].tolist()
    assert json.loads(done.stdout) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("visit", ["first", "second"])
def test_streaming_asks_the_hub_of_its_own_test(api: HfApi, visit: str) -> None:
    from datasets import DownloadConfig, load_dataset
    from datasets.packaged_modules.json import json as reader

    api.create_repo("ada/notes", repo_type="dataset")
    data = json.dumps({"text": visit}).encode()
    api.upload_file(path_or_fileobj=data, path_in_repo="a.jsonl", repo_id="ada/notes", repo_type="dataset")
    assert list(load_dataset("ada/notes", split="train", streaming=True, token=False)) == [{"text": visit}]
    reader._patched_for_streaming = DownloadConfig()  # as two threads leave it that patch the reader at once
