"""The MLX backend: one base model in memory, adapters put on and taken off it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

from distrust_hub.adapters.folder import weights_file
from distrust_hub.adapters.load import apply_adapter, remove_adapter
from distrust_hub.adapters.mlx_format import AdapterConfig
from distrust_hub.chat.decoding import speed_up_decoding
from distrust_hub.chat.engine import ChatRequest
from distrust_hub.chat.prompt import encode_prompt, room_for_answer
from distrust_hub.models.load import LoadedModel, load_base
from distrust_hub.models.resolve import BaseModel
from distrust_hub.models.runtime import mx  # isort: split

from mlx_lm.generate import generation_stream, stream_generate  # after the runtime, which prepares the import of MLX
from mlx_lm.sample_utils import make_sampler

PREFILL_STEP_TOKENS = 256
"""Prompt tokens per forward pass: small enough that a request can be stopped within seconds on two CPU cores."""


class _StoppedError(Exception):
    """Raised inside the prompt's forward passes to leave them."""


class MlxBackend:
    """Generates with mlx-lm.

    Args:
        base: Base model, resolved or as ``resolve_base`` takes it.
    """

    def __init__(self, base: BaseModel | str) -> None:
        self._base = base
        self._loaded: LoadedModel | None = None
        self._adapter: tuple[Path, int] | None = None
        self._config: AdapterConfig | None = None

    def load(self) -> None:
        """Load the base model. Raises ModelError if that fails."""
        self._loaded = load_base(self._base)
        speed_up_decoding(self._loaded.model)

    def generate(self, request: ChatRequest, stop: threading.Event) -> Iterator[str]:
        """Yield the answer piece by piece.

        Raises:
            AdapterError: If the adapter does not fit the base.
            ConfigError: If the conversation is longer than the model reads.
        """
        loaded = self._loaded
        if loaded is None:
            raise RuntimeError("generate() was called before load()")
        self._use_adapter(loaded, request.adapter)
        prompt = self._prompt(loaded, request)
        room = room_for_answer(loaded.base.path, len(prompt))
        mx.random.seed(secrets.randbits(32) if request.seed is None else request.seed)

        def on_progress(_done: int, _total: int) -> None:
            if stop.is_set():
                raise _StoppedError

        try:
            for response in stream_generate(
                loaded.model,
                loaded.tokenizer,
                prompt,
                max_tokens=min(request.max_tokens, room),
                sampler=make_sampler(temp=request.temperature),
                prefill_step_size=PREFILL_STEP_TOKENS,
                prompt_progress_callback=on_progress,
            ):
                if stop.is_set():
                    return
                if response.text:
                    yield response.text
        except _StoppedError:
            return

    def close(self) -> None:
        """Free the model and end MLX's threads of this thread; left running, they abort the process when it exits."""
        self._loaded, self._adapter, self._config = None, None, None
        mx.synchronize(generation_stream)
        mx.clear_streams()

    def _use_adapter(self, loaded: LoadedModel, folder: Path | None) -> None:
        """Put on the adapter asked for; one that is on already stays, unless its file has changed."""
        wanted = None if folder is None else (folder.resolve(), weights_file(folder).stat().st_mtime_ns)
        if wanted == self._adapter:
            return
        self._adapter, self._config = None, None
        remove_adapter(loaded)
        if folder is not None:
            self._config = apply_adapter(loaded, folder)
            self._adapter = wanted

    def _prompt(self, loaded: LoadedModel, request: ChatRequest) -> list[int]:
        return encode_prompt(loaded.tokenizer, loaded.tokenizer.has_chat_template, request, self._config)
