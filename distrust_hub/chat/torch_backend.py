"""The PyTorch backend: transformers and PEFT, for ZeroGPU Spaces and for machines without MLX.

On ZeroGPU a function marked with ``spaces.GPU`` runs in another process that is forked when it is called and has a GPU
for that long. It is found when the app starts, so it stands at module level; the model is loaded on the CPU before
and is copied to the GPU inside.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from distrust_hub.adapters.folder import read_adapter
from distrust_hub.adapters.verify import verify_adapter
from distrust_hub.artifacts import PEFT_ADAPTER_FILE
from distrust_hub.chat.engine import ChatRequest
from distrust_hub.chat.prompt import encode_prompt, room_for_answer
from distrust_hub.errors import AdapterError, ModelError
from distrust_hub.hardware.detect import on_zero_gpu
from distrust_hub.models.resolve import resolve_base

GPU_SECONDS = 60
"""Longest time of one answer on ZeroGPU; visitors have a daily quota."""


class _Loaded:
    """A base model with the newest adapter put on it: memory holds one, however many the visitors name."""

    def __init__(self, base: str) -> None:
        self.base = resolve_base(base)
        try:
            trust = {"trust_remote_code": False}  # where it is not said, transformers asks at the terminal
            self.model: Any = AutoModelForCausalLM.from_pretrained(self.base.path, dtype=_dtype(), **trust).eval()
        except (ValueError, KeyError, OSError) as error:
            raise ModelError(f"{self.base.id or base}: cannot be loaded: {error}") from error
        self.tokenizer = AutoTokenizer.from_pretrained(self.base.path, **trust)
        self.adapter: tuple[str, str] | None = None  # the file it is from, and PEFT's name for it

    def use_adapter(self, folder: Path | None) -> Any:
        """The model with this adapter, or without any."""
        if folder is None:
            if isinstance(self.model, PeftModel):
                self.model.base_model.disable_adapter_layers()
            return self.model
        path = folder / PEFT_ADAPTER_FILE
        if not path.is_file():
            raise AdapterError(f"{folder}: holds no {PEFT_ADAPTER_FILE}; add it with: distrust-hub export --to peft")
        file = f"{folder.resolve()}:{path.stat().st_mtime_ns}"
        if self.adapter is None or self.adapter[0] != file:
            verify_adapter(folder, self.base)
            self.adapter = file, self._put_on(folder)
        self.model.base_model.enable_adapter_layers()
        return self.model

    def _put_on(self, folder: Path) -> str:
        """Put on an adapter in place of the one before; its name."""
        if self.adapter is None:
            self.model = PeftModel.from_pretrained(self.model, str(folder), adapter_name="one").eval()
            return "one"
        before = self.adapter[1]
        name = "two" if before == "one" else "one"
        self.model.load_adapter(str(folder), name)
        self.model.set_adapter(name)
        self.model.delete_adapter(before)
        return name


_loaded: _Loaded | None = None
"""The one base model of the process, where forked processes find it."""


class TorchBackend:
    """Generates with transformers.

    Args:
        base: Base model, as ``resolve_base`` takes it.
    """

    def __init__(self, base: str) -> None:
        self._base = base

    def load(self) -> None:
        """Load the base model. Raises ModelError if that fails."""
        global _loaded
        _loaded = _Loaded(self._base)

    def generate(self, request: ChatRequest, stop: threading.Event) -> Iterator[str]:
        """Yield the answer piece by piece.

        Raises:
            AdapterError: If the adapter does not fit the base.
            ConfigError: If the conversation is longer than the model reads.
        """
        for piece in _answer(request):
            if stop.is_set():
                return
            if piece:
                yield piece

    def close(self) -> None:
        """Free the model."""
        global _loaded
        _loaded = None


def _on_gpu(function: Callable[[ChatRequest], Iterator[str]]) -> Callable[[ChatRequest], Iterator[str]]:
    if not on_zero_gpu():
        return function
    import spaces

    return spaces.GPU(duration=GPU_SECONDS)(function)


@_on_gpu
def _answer(request: ChatRequest) -> Iterator[str]:
    """The answer, one piece a token; pieces may be empty."""
    if _loaded is None:
        raise RuntimeError("generate() was called before load()")
    tokenizer = _loaded.tokenizer
    model = _loaded.use_adapter(request.adapter).to(_device())
    config = read_adapter(request.adapter)[0] if request.adapter else None
    prompt = encode_prompt(tokenizer, bool(tokenizer.chat_template), request, config)
    room = room_for_answer(_loaded.base.path, len(prompt))
    ends = _end_tokens(model, tokenizer)
    random = torch.Generator(device=_device())
    random.seed() if request.seed is None else random.manual_seed(request.seed)
    ids, cache, written, shown = torch.tensor([prompt], device=_device()), None, [], ""
    for _ in range(min(request.max_tokens, room)):
        with torch.inference_mode():
            out = model(input_ids=ids, past_key_values=cache, use_cache=True)
        token = _sample(out.logits[0, -1].float(), request.temperature, random)
        if token in ends:
            break
        written.append(token)
        text = tokenizer.decode(written, skip_special_tokens=True)
        if not text.endswith("\ufffd"):  # a character that later tokens complete
            yield text[len(shown) :]
            shown = text
        ids, cache = torch.tensor([[token]], device=_device()), out.past_key_values


def _sample(logits: Any, temperature: float, random: Any) -> int:
    if temperature == 0:
        return int(logits.argmax())
    return int(torch.multinomial(torch.softmax(logits / temperature, dim=-1), 1, generator=random))


def _end_tokens(model: Any, tokenizer: Any) -> set[int]:
    named = model.generation_config.eos_token_id
    ends = named if isinstance(named, list) else [named]
    return {end for end in [*ends, tokenizer.eos_token_id] if end is not None}


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _dtype() -> torch.dtype:
    return torch.bfloat16 if on_zero_gpu() or torch.cuda.is_available() else torch.float32
