from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from distrust_hub.errors import ArtifactError, ConfigError, HubNotFoundError, ModelError, ModelNotFoundError
from distrust_hub.files import sha256_file
from distrust_hub.models.resolve import resolve_base
from tests.models.gguf_files import write_gguf


def edit(path, **changes):
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, **changes}))


def test_resolve_folder_describes_it(tiny):
    base = resolve_base(str(tiny))
    assert base.path == tiny
    assert (base.id, base.revision, base.license, base.quantization) == (None, None, None, None)
    assert base.format == "safetensors"
    assert base.sha256 == sha256_file(tiny / "model.safetensors")
    assert base.parameters == sum(a.size for a in load_file(tiny / "model.safetensors").values())


def test_to_json_has_the_fingerprint_and_no_path(tiny):
    base = resolve_base(str(tiny), base_model_id="me/tiny@abc")
    value = json.dumps(base.to_json())
    assert str(tiny) not in value
    assert base.to_json()["base_fingerprint"] == base.fingerprint
    assert (base.id, base.revision) == ("me/tiny", "abc")
    assert "trust_remote_code" not in base.to_json()


@pytest.mark.parametrize("text", ["", "a b", "me/tiny@", "a/b/c", "../x", "/x"])
def test_base_model_id_must_be_a_repo_id(tiny, text):
    with pytest.raises(ConfigError, match="base_model_id"):
        resolve_base(str(tiny), base_model_id=text)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "missing.gguf", "a b"])
def test_resolve_refuses_what_is_not_there(name):
    with pytest.raises(ModelNotFoundError, match="no such file or folder"):
        resolve_base(name)


def test_resolve_refuses_a_file_that_is_no_model(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"not a \.gguf file"):
        resolve_base(str(tmp_path / "model.bin"))


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("config.json", {"model_file": "model.py"}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["code.T", None]}}),
    ],
)
def test_resolve_refuses_models_that_bring_code_unless_trusted(tiny, file, changes):
    edit(tiny / file, **changes)
    problem = f"{file}: '{next(iter(changes))}' .* distrust-hub train alone takes it, with --trust-remote-code"
    with pytest.raises(ModelError, match=problem):
        resolve_base(str(tiny))
    assert resolve_base(str(tiny), trust_remote_code=True).trust_remote_code


@pytest.mark.parametrize("key", ["num_hidden_layers", "hidden_size", "vocab_size"])
@pytest.mark.parametrize("value", [0, -1, 10**12, "2", None])
def test_resolve_bounds_the_config_before_anything_is_built(tiny, key, value):
    edit(tiny / "config.json", **{key: value})
    with pytest.raises(ModelError, match=key):
        resolve_base(str(tiny))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"text_config": {"hidden_size": 1 << 30}}, "hidden_size is 1073741824"),
        ({"intermediate_size": [128, 1 << 30]}, "intermediate_size is .128, 1073741824."),
        ({"intermediate_size": [128, "64"]}, "intermediate_size is .128, '64'."),
    ],
)
def test_resolve_bounds_sizes_of_wrapped_models_and_single_blocks(tiny, changes, named):
    edit(tiny / "config.json", **changes)
    with pytest.raises(ModelError, match=named):
        resolve_base(str(tiny))


@pytest.mark.parametrize("inner", [None, [128, 64]])
def test_resolve_takes_inner_sizes_that_differ_or_follow_from_others(tiny, inner):
    edit(tiny / "config.json", intermediate_size=inner)
    assert resolve_base(str(tiny)).parameters > 0


@pytest.mark.parametrize(
    "changes", [{"num_hidden_layers": [2]}, {"num_hidden_layers": "x", "text_config": {"num_hidden_layers": 2}}]
)
def test_resolve_takes_a_number_of_blocks_that_is_told_otherwise(tiny, changes):
    edit(tiny / "config.json", **changes)
    assert resolve_base(str(tiny)).fingerprint


def test_resolve_refuses_pickle_only_folders_by_name(tiny):
    (tiny / "model.safetensors").rename(tiny / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin is a pickle"):
        resolve_base(str(tiny))


def test_resolve_refuses_folders_without_weights_config_or_tokenizer(tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"no config\.json"):
        resolve_base(str(tmp_path / "empty"))
    (tiny / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer\.json"):
        resolve_base(str(tiny))
    (tiny / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no model"):
        resolve_base(str(tiny))
    (tiny / "config.json").write_text("{")
    with pytest.raises(ArtifactError, match="not valid JSON"):
        resolve_base(str(tiny))


def test_resolve_converts_npz_beside_a_config(tiny):
    reference = resolve_base(str(tiny))
    np.savez(tiny / "weights.npz", **load_file(tiny / "model.safetensors"))
    (tiny / "model.safetensors").unlink()
    base = resolve_base(str(tiny))
    assert base.format == "npz"
    assert base.path != tiny
    assert base.fingerprint == reference.fingerprint
    assert base.sha256 == sha256_file(tiny / "weights.npz")
    assert resolve_base(str(tiny)).path == base.path


def test_license_is_read_from_the_model_card(tiny, caplog):
    (tiny / "README.md").write_text("---\nlicense: other\nlicense_name: llama3.2\n---\n# Tiny\n")
    assert resolve_base(str(tiny)).license == "llama3.2"
    (tiny / "README.md").write_text("---\nlicense: mit\n---\n")
    assert resolve_base(str(tiny)).license == "mit"
    (tiny / "README.md").write_text("---\nlicense: mit\ndate: 9999-99-99\n---\n")
    assert resolve_base(str(tiny)).license is None
    (tiny / "README.md").write_text(f"---\nlicense: mit\n{'a: [b, c]' * 900_000}\n---\n")
    caplog.clear()
    assert resolve_base(str(tiny)).license is None
    assert "the metadata has 8,100,013 characters; expected at most 200,000" in caplog.text
    (tiny / "README.md").write_text("no front matter")
    assert resolve_base(str(tiny)).license is None


def test_sharded_folder_has_one_hash_that_follows_its_shards(tiny):
    weights = load_file(tiny / "model.safetensors")
    names = sorted(weights)
    whole = resolve_base(str(tiny))
    (tiny / "model.safetensors").unlink()
    save_file({n: weights[n] for n in names[:5]}, str(tiny / "model-00001-of-00002.safetensors"))
    save_file({n: weights[n] for n in names[5:]}, str(tiny / "model-00002-of-00002.safetensors"))
    base = resolve_base(str(tiny))
    assert base.fingerprint == whole.fingerprint
    assert base.parameters == whole.parameters
    assert len(base.sha256) == 64
    assert base.sha256 != whole.sha256


def test_gguf_identity_comes_from_its_metadata(tiny, tmp_path):
    metadata = {"general.source.huggingface.repository": "someone/tiny", "general.license": "mit"}
    base = resolve_base(str(write_gguf(tmp_path / "m.gguf", tiny, metadata=metadata)))
    assert (base.id, base.license) == ("someone/tiny", "mit")
    base = resolve_base(str(tmp_path / "m.gguf"), base_model_id="other/name")
    assert base.id == "other/name"


@pytest.mark.hub
def test_resolve_hub_id_downloads_only_safe_files(tiny, tmp_path, hub):
    from huggingface_hub import HfApi

    for name in ("training_args.bin", "consolidated.safetensors"):
        shutil.copy(tiny / "config.json", tiny / name)
    api = HfApi(token=hub.add_user("alice"))
    api.create_repo("alice/tiny")
    api.upload_folder(repo_id="alice/tiny", folder_path=tiny)
    base = resolve_base("alice/tiny")
    assert base.id == "alice/tiny"
    assert base.revision == hub.repo("alice/tiny").commits()[0].oid
    assert not {p.name for p in base.path.iterdir()} & {"training_args.bin", "consolidated.safetensors"}
    assert base.sha256 == sha256_file(tiny / "model.safetensors")


@pytest.mark.hub
def test_resolve_hub_repo_without_safetensors_is_refused_by_its_id(tiny, hub):
    from huggingface_hub import HfApi

    (tiny / "model.safetensors").rename(tiny / "pytorch_model.bin")
    api = HfApi(token=hub.add_user("alice"))
    api.create_repo("alice/old")
    api.upload_folder(repo_id="alice/old", folder_path=tiny)
    with pytest.raises(ModelError, match=r"alice/old: the repo has no model\*\.safetensors"):
        resolve_base("alice/old")
    with pytest.raises(HubNotFoundError):
        resolve_base("alice/absent")
