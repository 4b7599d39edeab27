"""Chat in the app with an adapter named by its Hub id: the real backend, the real client, the test Hub."""

from __future__ import annotations

import pytest

from distrust_hub.app.conversation import ChatService, ChatSettings
from distrust_hub.hub.adapters import push_adapter
from distrust_hub.hub.client import hub_api
from distrust_hub.preparation.export import prepare
from distrust_hub.sample import sample_corpus_path
from tests.tiny import make_tiny_model

pytestmark = [pytest.mark.mlx, pytest.mark.hub]


def test_chat_with_an_adapter_named_by_its_hub_id(hub, monkeypatch, tmp_path):
    from distrust_hub.training.trainer import train

    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    model = str(make_tiny_model(tmp_path / "model", scale=0.3, tie=False))
    prepare([str(sample_corpus_path())], tmp_path / "data")
    options = {"model": model, "base_model_id": "ada/tiny", "data": str(tmp_path / "data"), "max_seq_length": 64}
    train(**options, adapter_path=str(tmp_path / "adapter"), iters=3, learning_rate=0.1, val_batches=0)
    push_adapter(tmp_path / "adapter", "ada/lean", api=hub_api())
    with ChatService(model) as chat:
        name = next(iter(chat.models))
        replies = {}
        for adapter in ("ada/lean", None):
            settings = ChatSettings(model=name, temperature=0.0, max_tokens=12)
            settings = ChatSettings(**{**vars(settings), "adapter": adapter}) if adapter else settings
            *_, last = chat.reply("visitor", [], "Who wrote it down?", settings)
            assert last.status == "Done."
            replies[adapter] = last.exchanges[-1].reply
    assert replies["ada/lean"] != replies[None]
    assert any("ada/lean/resolve" in request.path for request in hub.requests)
