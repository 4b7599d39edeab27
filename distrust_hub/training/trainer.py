"""Train a LoRA adapter: from a TrainConfig to an adapter folder."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from distrust_hub.adapters.mlx_format import CONDITION_PREFIX, save_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.adapters.verify import AdapterInfo, verify_adapter
from distrust_hub.artifacts import (
    ADAPTER_CONFIG_FILE,
    ADAPTER_FILE,
    METRICS_FILE,
    PEFT_ADAPTER_FILE,
    EvalReport,
    Manifest,
    TrainingRun,
)
from distrust_hub.config import TrainConfig
from distrust_hub.errors import ConfigError, OutputExistsError, TrainingError
from distrust_hub.models.load import LoadedModel, load_base
from distrust_hub.models.resolve import resolve_base
from distrust_hub.training.checkpoints import Checkpoints, only_run
from distrust_hub.training.cpu_ops import fast_cpu_ops
from distrust_hub.training.data import TrainingData, read_training_data
from distrust_hub.training.examples import Encoder, Item
from distrust_hub.training.loop import Loop
from distrust_hub.training.metrics import Metrics
from distrust_hub.training.objectives import NEEDS_SCORES, Plan, make_plan
from distrust_hub.training.record import describe_run, release_memory, reset_peak_memory
from distrust_hub.training.tuner import add_lora, checkpointed_blocks

_OUTPUTS = (
    ADAPTER_FILE,
    ADAPTER_CONFIG_FILE,
    PEFT_ADAPTER_FILE,
    METRICS_FILE,
    TrainingRun.FILE_NAME,
    Manifest.FILE_NAME,
    EvalReport.FILE_NAME,
)
"""What a run or its evaluation writes; removed when a run starts anew. A README.md may be somebody's work."""

_FREE_TO_CHANGE = ("save_every", "keep_last", "val_batches", "steps_per_eval", "max_bad_steps", "base_model_id")
"""Settings that do not change what is trained, so a resumed run may have others."""


def train(config: TrainConfig | None = None, **options: Any) -> TrainingRun:
    """Train a LoRA adapter and write its folder.

    Args:
        config: Settings; None builds them from ``options``.
        **options: Fields of TrainConfig, instead of ``config``.

    Returns:
        What ``training_run.json`` in ``config.adapter_path`` says.

    Raises:
        ConfigError: If both or neither are given, or a value is out of range.
        OutputExistsError: If the folder already holds an adapter and neither ``resume`` nor ``overwrite`` is set.
        ModelError, DataError, ObjectiveError: If the base or the data cannot be used.
        TrainingError: If training cannot go on; the last good checkpoint is intact.
        TrainingInterrupted: After Ctrl-C; the state was saved.

    Example:
        >>> run = train(model="mlx-community/SmolLM2-135M-Instruct", data="notes", adapter_path="adapters", epochs=1)
        >>> run.loss["valid_before"], run.loss["valid_after"]
    """
    if config is None:
        config = TrainConfig.from_options(options)
    elif options:
        raise ConfigError(f"config and {', '.join(sorted(options))} are given; put all settings in one place")
    folder = Path(config.adapter_path).expanduser()
    _check_folder(folder, config)
    with only_run(folder):
        return _Run(config, folder).execute()


def _check_folder(folder: Path, config: TrainConfig) -> None:
    if config.resume or config.overwrite:
        return
    if (folder / ADAPTER_FILE).exists() or next((folder / "checkpoints").glob("step-*"), None):
        raise OutputExistsError(f"{folder}: holds a run already; go on with --resume, or replace it with --overwrite")


class _Run:
    """One call of ``train``."""

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        self.config, self.folder = config, folder

    def execute(self) -> TrainingRun:
        reset_peak_memory()
        config = self.config
        data = read_training_data(config.data)
        base = resolve_base(
            config.model, base_model_id=config.base_model_id, trust_remote_code=config.trust_remote_code
        )
        loaded = load_base(base, quantized=True)
        plan, valid = _encode(data, loaded, config)
        lora = add_lora(loaded.model, config)
        loop = Loop(loaded.model, plan, valid, config)
        checkpoints = Checkpoints(self.folder, _identity(config, data, loaded), config.keep_last)
        self._start(loop, checkpoints)
        with contextlib.ExitStack() as stack:
            stack.enter_context(fast_cpu_ops(loaded.model))
            stack.enter_context(checkpointed_blocks(loaded.model, config.grad_checkpoint))
            metrics = stack.enter_context(Metrics(self.folder, loop.step))
            loop.run(metrics, checkpoints)
        if loop.progress.trained_tokens == 0:
            checkpoints.clear()
            raise TrainingError(
                f"all {loop.total_steps} steps were skipped for a loss or gradient that is not finite; "
                "check the base model's weights, or lower --learning-rate"
            )
        info = self._save(loaded, lora, plan, data)
        run = describe_run(config, self.folder, loaded, data, plan, loop, info, lora)
        run.save(self.folder)
        release_memory()
        return run

    def _start(self, loop: Loop, checkpoints: Checkpoints) -> None:
        """Go on from the newest checkpoint, or clear the folder and start anew."""
        state = checkpoints.newest() if self.config.resume else None
        if state is not None:
            loop.restore(state)
            return
        checkpoints.clear()
        for name in _OUTPUTS:
            (self.folder / name).unlink(missing_ok=True)

    def _save(self, loaded: LoadedModel, lora: dict[str, Any], plan: Plan, data: TrainingData) -> AdapterInfo:
        extra: dict[str, Any] = {"objective": plan.record}
        if plan.condition_prefix is not None:
            extra[CONDITION_PREFIX] = plan.condition_prefix
        save_adapter(loaded.model, self.folder, lora=lora, base=loaded.base, extra=extra)
        write_peft(self.folder)
        if data.manifest is not None:
            data.manifest.save(self.folder)
        return verify_adapter(self.folder, loaded.base)


def _encode(data: TrainingData, loaded: LoadedModel, config: TrainConfig) -> tuple[Plan, list[Item]]:
    """Training plan and held-out items. Pairs are held out by the loss of their chosen answers."""
    encoder = Encoder(loaded.tokenizer, config.max_seq_length, scored=config.objective in NEEDS_SCORES)
    plan = make_plan(data.train, encoder, config)
    held_out = Encoder(loaded.tokenizer, config.max_seq_length, scored=False)
    if config.objective == "preference":
        return plan, [pair.chosen for pair in held_out.encode_pairs(data.valid)]
    return plan, list(held_out.encode_rows(data.valid))


def _identity(config: TrainConfig, data: TrainingData, loaded: LoadedModel) -> dict[str, Any]:
    settings = {name: value for name, value in config.to_json().items() if name not in _FREE_TO_CHANGE}
    return {"base_fingerprint": loaded.base.fingerprint, "data": data.sha256, **settings}
