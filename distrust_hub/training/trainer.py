"""Train a LoRA adapter: from a TrainConfig to an adapter folder."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from distrust_hub.adapters.load import check_saved
from distrust_hub.adapters.mlx_format import CONDITION_PREFIX, adapter_config, save_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.adapters.verify import AdapterInfo, verify_adapter
from distrust_hub.artifacts import TrainingRun
from distrust_hub.config import TrainConfig
from distrust_hub.errors import ConfigError, TrainingError
from distrust_hub.hub.checkpoints import pull_checkpoint
from distrust_hub.hub.client import split_revision
from distrust_hub.models.load import LoadedModel, load_base
from distrust_hub.models.resolve import resolve_base
from distrust_hub.models.runtime import nn
from distrust_hub.training.activation_cache import frozen_blocks
from distrust_hub.training.checkpoints import Checkpoints, TrainingState
from distrust_hub.training.cpu_ops import fast_cpu_ops
from distrust_hub.training.data import TrainingData, read_training_data
from distrust_hub.training.device import prepare_device, release_memory, reset_peak_memory
from distrust_hub.training.estimate import refuse_what_cannot_fit
from distrust_hub.training.examples import Encoder
from distrust_hub.training.loop import Loop
from distrust_hub.training.metrics import Metrics
from distrust_hub.training.objectives import NEEDS_SCORES, Plan, make_plan
from distrust_hub.training.packing import packed_attention
from distrust_hub.training.parallel import end_threads
from distrust_hub.training.plots import plot_run
from distrust_hub.training.ranks import Ranks, find_ranks
from distrust_hub.training.record import describe_run, environment
from distrust_hub.training.reporting import make_reporters
from distrust_hub.training.run_folder import check_writable, clear_outputs, only_run, refuse_to_replace
from distrust_hub.training.snapshots import Describe, OnSave, write_snapshot
from distrust_hub.training.stream import Stream
from distrust_hub.training.trial import TRIAL_ITEMS, Trial
from distrust_hub.training.tuner import add_lora, checkpointed_blocks

_FREE_TO_CHANGE = (
    "save_every",
    "keep_last",
    "val_batches",
    "steps_per_eval",
    "max_bad_steps",
    "base_model_id",
    "activation_cache_gb",
    "patience",
    "max_memory_gb",
    "grad_checkpoint",
)
"""Settings that do not change what is trained, so a resumed run may have others."""


def train(config: TrainConfig | None = None, *, on_save: OnSave | None = None, **options: Any) -> TrainingRun:
    """Train a LoRA adapter and write its folder.

    Args:
        config: Settings; None builds them from ``options``.
        on_save: Called at every checkpoint, such as ``hub.background.BackgroundPush``.
        **options: Fields of TrainConfig, instead of ``config``.

    Returns:
        What ``training_run.json`` in ``config.adapter_path`` says.

    Raises:
        ConfigError: If both or neither are given, or a value is out of range.
        OutputExistsError: If the folder already holds an adapter and neither ``resume`` nor ``overwrite`` is set.
        OutputError: If the folder cannot be written.
        CheckpointError: If the checkpoint to go on from is of another run, or not there.
        ModelError, DataError, ObjectiveError: If the base or the data cannot be used.
        TrainingError: If training cannot go on; the last good checkpoint is intact.
        TrainingInterrupted: After Ctrl-C; the state was saved, if a step was done.

    Example:
        >>> run = train(model="mlx-community/SmolLM2-135M-Instruct", data="notes", adapter_path="adapters", epochs=1)
        >>> run.loss["valid_before"], run.loss["valid_after"]
    """
    if config is None:
        config = TrainConfig.from_options(options)
    elif options:
        raise ConfigError(f"config and {', '.join(sorted(options))} are given; put all settings in one place")
    ranks = find_ranks()
    with _run_folder(config, ranks) as folder:
        if config.resume_from_hub:
            repo_id, revision = split_revision(config.resume_from_hub)
            config = dataclasses.replace(config, resume=True, resume_from_hub=None)
            pull_checkpoint(repo_id, folder, revision=revision)
        return _Run(config, folder, on_save if ranks.first else None, ranks).execute()


@contextlib.contextmanager
def _run_folder(config: TrainConfig, ranks: Ranks) -> Iterator[Path]:
    """The adapter folder, held for this process; one to be thrown away for a rank that is not to write."""
    if not ranks.first:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
        return
    folder = Path(config.adapter_path).expanduser()
    _check_folder(folder, config)
    with only_run(folder):
        yield folder


def _check_folder(folder: Path, config: TrainConfig) -> None:
    check_writable(folder)
    if not (config.goes_on or config.overwrite):
        refuse_to_replace(folder, "holds a run already; go on with --resume, or replace it with --overwrite")


class _Run:
    """One call of ``train``."""

    def __init__(self, config: TrainConfig, folder: Path, on_save: OnSave | None, ranks: Ranks) -> None:
        self.config, self.folder, self.on_save, self.ranks = config, folder, on_save, ranks

    def execute(self) -> TrainingRun:
        reset_peak_memory()
        config = self.config
        data = read_training_data(config.data, valid_share=config.valid_share, seed=config.seed)
        base = resolve_base(
            config.model, base_model_id=config.base_model_id, trust_remote_code=config.trust_remote_code
        )
        refuse_what_cannot_fit(config, base, longest=0)  # the weights alone
        loaded = load_base(base, quantized=True)
        prepare_device(loaded.model, config.max_memory_gb)
        checkpoints = Checkpoints(self.folder, _identity(config, data, loaded), config.keep_last, environment())
        self._check_ranks(checkpoints)
        plan, valid = _encode(data, loaded, config)
        refuse_what_cannot_fit(config, base, config.max_seq_length if config.packing else plan.survey.longest)
        lora = add_lora(loaded.model, config)
        loop = Loop(loaded.model, plan, valid, config)
        loop.read_held_out()
        describe = functools.partial(describe_run, config, loaded, data, plan, lora)
        if self.on_save is not None:
            write = self._snapshot_writer(loaded, lora, plan, data, describe)
            checkpoints.on_saved = functools.partial(self.on_save, write=write)
        self._train(loop, loaded.model, checkpoints)
        info = self._save(loaded, lora, plan, data)
        run = describe(folder=self.folder, info=info, step=loop.step, progress=loop.progress)
        run.save(self.folder)
        plot_run(self.folder)
        release_memory()
        return run

    def _train(self, loop: Loop, model: nn.Module, checkpoints: Checkpoints) -> None:
        config = self.config
        trial = Trial(model, loop.plan.stream.first(TRIAL_ITEMS), loop.top_token, loop.width, config)
        with contextlib.ExitStack() as stack:
            stack.callback(end_threads)
            stack.enter_context(fast_cpu_ops(model))
            stack.enter_context(checkpointed_blocks(model, config.grad_checkpoint))
            loop.differentiate.tokens.frozen = stack.enter_context(
                frozen_blocks(model, self.folder, config.activation_cache_gb if loop.repeats else 0.0)
                if not config.packing  # there a row's states depend on where its documents end
                else contextlib.nullcontext()
            )
            stack.enter_context(packed_attention(model, config.packing))
            trial.check(loop.differentiate.tokens)
            goes_on = self._restore(loop, checkpoints)
            reporters = make_reporters(config, self.folder, loop) if self.ranks.first else []
            if goes_on:  # last, when nothing that is wrong with the settings or the data can come up any more
                checkpoints.drop_after(loop.step)
            else:
                clear_outputs(self.folder)
            metrics = stack.enter_context(Metrics(self.folder, loop.step, reporters))
            loop.run(metrics, checkpoints)
        if loop.progress.trained_tokens == 0:
            checkpoints.clear()
            raise TrainingError(
                f"all {loop.total_steps} steps were skipped for a loss or gradient that is not finite; "
                "check the base model's weights, or lower --learning-rate"
            )

    def _check_ranks(self, checkpoints: Checkpoints) -> None:
        """Before the ranks encode the data together."""
        if self.ranks.json_from_first(checkpoints.identity) != checkpoints.identity:
            raise TrainingError(
                f"rank {self.ranks.rank} has another base, data or settings than rank 0; start all with the same"
            )

    def _restore(self, loop: Loop, checkpoints: Checkpoints) -> bool:
        """Whether there is a checkpoint to go on from, restored then; all ranks do as the first one."""
        state = self.ranks.state_from_first(self._checkpoint(checkpoints))
        if state is None:
            return False
        loop.restore(state)
        return True

    def _checkpoint(self, checkpoints: Checkpoints) -> TrainingState | None:
        """What to go on from; the other ranks get it from the first one."""
        if not self.ranks.first:
            return None
        if self.config.resume_from_step is not None:
            return checkpoints.at_step(self.config.resume_from_step)
        found = checkpoints.newest() if self.config.resume else None
        if found is None and self.config.resume:
            refuse_to_replace(
                self.folder,
                "holds a run and no whole checkpoint; start anew with --overwrite in place of --resume",
            )
        return found

    def _snapshot_writer(
        self, loaded: LoadedModel, lora: dict[str, Any], plan: Plan, data: TrainingData, describe: Describe
    ) -> Callable[[Path, Path], None]:
        """What ``on_save`` gets to write a checkpoint as an adapter folder."""
        blocks = len(loaded.model.layers)
        return functools.partial(
            write_snapshot,
            run_folder=self.folder,
            configure=lambda tensors: adapter_config(tensors, blocks, lora, loaded.base, _extra(plan)),
            describe=describe,
            manifest=data.manifest,
        )

    def _save(self, loaded: LoadedModel, lora: dict[str, Any], plan: Plan, data: TrainingData) -> AdapterInfo:
        save_adapter(loaded.model, self.folder, lora=lora, base=loaded.base, extra=_extra(plan))
        write_peft(self.folder)
        check_saved(loaded, self.folder)
        if data.manifest is not None:
            data.manifest.save(self.folder)
        return verify_adapter(self.folder, loaded.base)


def _extra(plan: Plan) -> dict[str, Any]:
    """Facts of the objective that are stored with the adapter."""
    prefix = {} if plan.condition_prefix is None else {CONDITION_PREFIX: plan.condition_prefix}
    return {"objective": plan.record, **prefix}


def _encode(data: TrainingData, loaded: LoadedModel, config: TrainConfig) -> tuple[Plan, Stream | None]:
    """Training plan and held-out items. Pairs are held out by the loss of their chosen answers."""

    def encoder(scored: bool) -> Encoder:
        return Encoder(loaded.tokenizer, config.max_seq_length, scored=scored, mask_prompt=config.mask_prompt)

    plan, held_out = make_plan(data.train, encoder(config.objective in NEEDS_SCORES), config), encoder(False)
    if not len(data.valid):
        return plan, None
    if config.objective == "preference":
        return plan, Stream(data.valid, lambda number, row: [held_out.encode_pair(row).chosen], config)
    return plan, Stream(data.valid, lambda number, row: held_out.encode(row), config)


def _identity(config: TrainConfig, data: TrainingData, loaded: LoadedModel) -> dict[str, Any]:
    settings = {name: value for name, value in config.to_json().items() if name not in _FREE_TO_CHANGE}
    if config.dropout:  # a block that is computed again draws other noise than one that is not
        settings["grad_checkpoint"] = config.grad_checkpoint
    return {"base_fingerprint": loaded.base.fingerprint, "data": data.sha256, **settings}
