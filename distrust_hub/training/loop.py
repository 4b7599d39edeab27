"""The training loop: accumulate, check, clip, update, checkpoint."""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from distrust_hub.config import TrainConfig
from distrust_hub.errors import TrainingError, TrainingInterrupted
from distrust_hub.models.runtime import mx, nn, optim, tree_flatten, tree_map, tree_unflatten
from distrust_hub.training.batches import Batch, Batches
from distrust_hub.training.checkpoints import Checkpoints, TrainingState
from distrust_hub.training.examples import Item
from distrust_hub.training.gradients import Differentiator, Gradients
from distrust_hub.training.interrupt import Interrupt
from distrust_hub.training.losses import held_out_loss
from distrust_hub.training.metrics import Metrics
from distrust_hub.training.objectives import Plan
from distrust_hub.training.schedule import learning_rate

log = logging.getLogger(__name__)


@dataclass
class Progress:
    """What a run carries from step to step beside its tensors.

    Attributes:
        trained_tokens: Tokens whose loss was trained, skipped steps not counted.
        seconds: Time in training steps.
        skipped: Steps skipped for a non-finite loss or gradient.
        bad_in_a_row: Of these, the ones directly before now.
        valid_before: Held-out loss before the first step, nats per token.
        valid_last: The newest held-out loss.
    """

    trained_tokens: int = 0
    seconds: float = 0.0
    skipped: int = 0
    bad_in_a_row: int = 0
    valid_before: float | None = None
    valid_last: float | None = None


class Loop:
    """Trains the LoRA layers of a model.

    All randomness comes from (seed, step), so that a run that stops and goes on equals one that did not.

    Args:
        model: Model with LoRA layers.
        plan: What to train on.
        valid: Held-out items; may be empty.
        config: Settings.
    """

    def __init__(self, model: nn.Module, plan: Plan, valid: Sequence[Item], config: TrainConfig) -> None:
        self.model, self.plan, self.config = model, plan, config
        self.batches = Batches(plan.items, plan.weights, config.batch_size, config.max_seq_length, config.seed)
        self.valid = Batches(valid, np.ones(len(valid)), config.batch_size, config.max_seq_length, config.seed)
        self.total_batches = (
            config.iters * config.grad_accumulation_steps
            if config.iters is not None
            else (config.epochs or 1) * len(self.batches)
        )
        self.total_steps = -(-self.total_batches // config.grad_accumulation_steps)
        # Every trained tensor is a matrix: there is no bias or norm that weight decay should spare.
        self.optimizer = optim.AdamW(config.learning_rate, weight_decay=config.weight_decay, bias_correction=True)
        self.optimizer.init(model.trainable_parameters())
        self.differentiate = Differentiator(model, config)
        self.step, self.progress = 0, Progress()

    def state(self) -> TrainingState:
        """Everything a checkpoint needs."""
        return TrainingState(
            self.step,
            _to_numpy(self.model.trainable_parameters()),
            _to_numpy(self.optimizer.state),
            dict(vars(self.progress)),
        )

    def restore(self, state: TrainingState) -> None:
        """Go back to a state of this run."""
        self.step, self.progress = state.step, Progress(**state.progress)
        self.model.update(_from_numpy(state.adapter))
        self.optimizer.state = _from_numpy(state.optimizer)

    def run(self, metrics: Metrics, checkpoints: Checkpoints) -> None:
        """Train to the last step.

        Raises:
            TrainingInterrupted: After Ctrl-C; a checkpoint of the last full step is saved.
            TrainingError: After ``max_bad_steps`` bad steps in a row.
        """
        self.model.train()
        micro_batches = self._micro_batches()
        bar = tqdm(total=self.total_steps, initial=self.step, desc="training", unit="step", disable=None)
        with Interrupt() as interrupt, bar:
            if self.step == 0:
                self.progress.valid_before = self._evaluate(metrics, interrupt)
            while self.step < self.total_steps and not interrupt.requested:
                row = self._train_step(next(micro_batches), checkpoints)
                metrics.write(row)
                bar.update()
                bar.set_postfix(self._shown(row), refresh=False)
                self._after_step(metrics, checkpoints, interrupt)
            if interrupt.requested:
                self._stop(checkpoints)

    def _shown(self, row: dict[str, Any]) -> dict[str, str]:
        """Numbers of the progress bar: loss, held-out loss and tokens per second."""
        values = {"loss": row["loss"], "valid": self.progress.valid_last, "tok/s": row["tokens_per_second"]}
        return {name: f"{value:.4g}" for name, value in values.items() if value is not None}

    def _after_step(self, metrics: Metrics, checkpoints: Checkpoints, interrupt: Interrupt) -> None:
        last = self.step == self.total_steps
        every = self.config.steps_per_eval
        if last or (every and self.step % every == 0):
            self._evaluate(metrics, interrupt)
        if last or self.step % self.config.save_every == 0:
            checkpoints.save(self.state())

    def _stop(self, checkpoints: Checkpoints) -> None:
        if self.step == 0:
            raise TrainingInterrupted("interrupted before the first step; nothing was trained")
        path = checkpoints.save(self.state())
        raise TrainingInterrupted(f"interrupted after step {self.step}; saved {path.name}, go on with --resume")

    def _micro_batches(self) -> Iterator[list[Batch]]:
        """The batches of each step from the next one on; an epoch's last step may have fewer."""
        size = self.config.grad_accumulation_steps
        position = self.step * size
        endless = self.batches.from_position(position)
        remaining = itertools.islice(endless, self.total_batches - position)
        while group := list(itertools.islice(remaining, size)):
            yield group

    def _train_step(self, batches: list[Batch], checkpoints: Checkpoints) -> dict[str, Any]:
        started = time.perf_counter()
        gradients = self.differentiate(batches, self.step * self.config.grad_accumulation_steps)
        self.optimizer.learning_rate = rate = self._rate(self.step + 1)
        row: dict[str, Any] = {"step": self.step + 1, "learning_rate": rate}
        if gradients.finite:
            clip = gradients.clip_factor(self.config.max_grad_norm)
            self._update(gradients.tree, clip)
            seconds = time.perf_counter() - started
            row.update(self._report(gradients, clip, seconds))
            self.progress.trained_tokens += gradients.tokens
            self.progress.bad_in_a_row = 0
        else:
            row.update(self._skip(gradients, checkpoints))
            seconds = time.perf_counter() - started
        self.progress.seconds += seconds
        self.step += 1
        return row

    def _rate(self, step: int) -> float:
        config = self.config
        return learning_rate(
            step,
            self.total_steps,
            peak=config.learning_rate,
            warmup_steps=config.warmup_steps,
            schedule=config.lr_schedule,
        )

    def _update(self, tree: Any, clip: float) -> None:
        self.optimizer.update(self.model, tree if clip == 1.0 else tree_map(lambda g: g * clip, tree))
        mx.eval(self.model.trainable_parameters(), self.optimizer.state)

    def _report(self, gradients: Gradients, clip: float, seconds: float) -> dict[str, Any]:
        row = {
            "loss": gradients.loss,
            "weighted_loss": gradients.weighted_loss,
            "mean_weight": gradients.mean_weight,
            "grad_norm": gradients.norm,
            "clip": clip,
            "tokens": gradients.tokens,
            "tokens_per_second": gradients.tokens / seconds,
            **gradients.extras,
        }
        if self.plan.terms is not None:
            items = np.concatenate([batch.items for batch in gradients.batches])
            tokens = np.concatenate([batch.n_tokens for batch in gradients.batches])
            row["distrust_term"] = float(np.average(self.plan.terms[items], weights=tokens))
        return row

    def _skip(self, gradients: Gradients, checkpoints: Checkpoints) -> dict[str, Any]:
        everyone = [int(i) for batch in gradients.batches for i in batch.items]
        rows = sorted({self.plan.items[i].row_id for i in gradients.bad_items or everyone})
        log.warning("step %d skipped: loss or gradient is not finite in rows %s", self.step + 1, ", ".join(rows))
        self.progress.skipped += 1
        self.progress.bad_in_a_row += 1
        if self.progress.bad_in_a_row >= self.config.max_bad_steps:
            self._give_up(rows, checkpoints)
        return {"skipped": True, "rows": rows, "loss": None, "tokens": 0, "tokens_per_second": 0.0}

    def _give_up(self, rows: list[str], checkpoints: Checkpoints) -> None:
        """Nothing was updated in the bad steps, so the weights are still those of the last good one."""
        bad = self.progress.bad_in_a_row
        good = self.step + 1 - bad
        saved = "nothing was trained"
        if good > 0:
            self.step, self.progress.bad_in_a_row = good, 0
            self.progress.skipped -= bad
            saved = f"{checkpoints.save(self.state()).name} is the last good checkpoint"
        raise TrainingError(
            f"{bad} steps in a row had a loss or gradient that is not finite (rows {', '.join(rows)}); {saved}; "
            "remove those rows or lower --learning-rate"
        )

    def _evaluate(self, metrics: Metrics, interrupt: Interrupt) -> float | None:
        """Unweighted loss of the held-out items in nats per token; None where there are none, or after Ctrl-C."""
        limit = None if self.config.val_batches < 0 else self.config.val_batches
        batches = list(itertools.islice(self.valid.epoch(0), limit)) if len(self.valid) else []
        if not batches:
            return None
        self.model.eval()
        total, count = 0.0, 0
        for batch in tqdm(batches, desc="held-out loss", unit="batch", disable=None, leave=False):
            nll, tokens = held_out_loss(self.differentiate.tokens, self.model, batch)
            total, count = total + nll, count + tokens
            if interrupt.requested:
                return None
        self.model.train()
        self.progress.valid_last = total / count if math.isfinite(total) else None
        metrics.write({"step": self.step, "valid_loss": self.progress.valid_last})
        return self.progress.valid_last


def _to_numpy(tree: Any) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in tree_flatten(tree)}


def _from_numpy(arrays: Any) -> Any:
    return tree_unflatten([(name, mx.array(value)) for name, value in arrays.items()])
