"""From a conversation to token ids, the same for every backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from distrust_hub.adapters.mlx_format import CONDITION_PREFIX, AdapterConfig
from distrust_hub.chat.engine import ChatRequest
from distrust_hub.errors import ConfigError
from distrust_hub.files import read_json, well_formed


def encode_prompt(tokenizer: Any, has_template: bool, request: ChatRequest, config: AdapterConfig | None) -> list[int]:
    """Token ids of the conversation, with the source-tier tag of a conditional adapter where training put it.

    That is before the last user message, or at the start of the text for a model without a chat template. Templates
    run in the sandbox of transformers.

    Args:
        tokenizer: Of transformers, or mlx-lm's wrapper of one.
        has_template: Whether it has a chat template.
        request: The conversation.
        config: Of the adapter that is on, if any.

    Raises:
        ConfigError: If the template refuses the conversation or fails on it, or nothing is left to continue.
    """
    messages = [{**message, "content": well_formed(message["content"])} for message in request.messages]
    tag = str(config.extra.get(CONDITION_PREFIX) or "") if config and request.use_tag else ""
    if not has_template:
        text = tag + "\n\n".join(message["content"] for message in messages)
        ids = list(tokenizer.encode(text, add_special_tokens=not tag))
    else:
        messages[-1]["content"] = tag + messages[-1]["content"]
        ids = _rendered(tokenizer, messages)
    if not ids:
        raise ConfigError("nothing of the conversation reaches the model; write something, or take another base model")
    return ids


def _rendered(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    try:
        return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))
    except jinja2.TemplateError as error:
        raise ConfigError(f"the model's chat template refuses this conversation: {error}") from error
    except Exception as error:  # a template is a program of the model's author and can raise anything
        problem = f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"the model's chat template fails on this conversation ({problem}); try another model"
        ) from error


def room_for_answer(base: Path, prompt_tokens: int) -> int:
    """Tokens left for the answer to a prompt, from the base's config; very many where it does not say.

    Raises:
        ConfigError: If there are none.
    """
    config = read_json(base / "config.json")
    limit = config.get("text_config", config).get("max_position_embeddings")
    room = (limit if isinstance(limit, int) else 1 << 30) - prompt_tokens
    if room < 1:
        raise ConfigError(f"the conversation has {prompt_tokens} tokens, {1 - room} too many; start a new one")
    return room
