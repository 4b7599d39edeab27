"""The training loop: accumulate, check, clip, update, evaluate, checkpoint."""

from __future__ import annotations

import copy
import itertools
import logging
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ConfigError, ObjectiveError, TrainingError, TrainingInterrupted
from distrust_hub.models.runtime import mx, nn, tree_flatten, tree_map, tree_unflatten
from distrust_hub.objective import effective_sample_size
from distrust_hub.training.batches import Batch
from distrust_hub.training.checkpoints import Checkpoints, TrainingState
from distrust_hub.training.device import memory_in_use
from distrust_hub.training.gradients import Differentiator, Gradients
from distrust_hub.training.interrupt import Interrupt
from distrust_hub.training.metrics import Metrics
from distrust_hub.training.objectives import Plan
from distrust_hub.training.optimizers import make_optimizer
from distrust_hub.training.progress import Progress
from distrust_hub.training.schedule import learning_rate
from distrust_hub.training.stream import Position, Stream

log = logging.getLogger(__name__)


class Loop:
    """Trains the LoRA layers of a model.

    All randomness comes from (seed, step), so that a run that stops and goes on equals one that did not.

    Args:
        model: Model with LoRA layers.
        plan: What to train on.
        valid: Held-out items; None where there are none.
        config: Settings.

    Attributes:
        top_token: Largest token id of the data gone through so far.
        width: Tokens of the longest row of a batch, padding included.
    """

    def __init__(self, model: nn.Module, plan: Plan, valid: Stream | None, config: TrainConfig) -> None:
        if config.patience and valid is None:
            raise ConfigError(
                f"patience is {config.patience} but no rows are held out; give --valid-share or valid rows"
            )
        self.model, self.plan, self.config = model, plan, config
        self.valid = valid if config.val_batches else None
        self.total_batches = (
            config.iters * config.grad_accumulation_steps
            if config.iters is not None
            else (config.epochs or 1) * plan.survey.batches
        )
        self.total_steps = -(-self.total_batches // config.grad_accumulation_steps)
        self.optimizer = make_optimizer(config)
        self.optimizer.init(model.trainable_parameters())
        self.differentiate = Differentiator(model, config)
        self.top_token, self.width = plan.survey.top_token, plan.stream.width(plan.survey.longest)
        self.step, self.progress = 0, Progress(Position().to_json())
        self._good = self.step, self.progress

    def state(self) -> TrainingState:
        """Everything a checkpoint needs, copied out of MLX."""
        return TrainingState(
            self.step,
            _to_numpy(self.model.trainable_parameters()),
            _to_numpy(self.optimizer.state),
            self.progress.to_json(),
            {"steps": self.total_steps, "learning_rate": self._rate(max(self.step, 1))},
        )

    def restore(self, state: TrainingState) -> None:
        """Go back to a state of this run."""
        self.step, self.progress = state.step, Progress(**state.progress)
        self.model.update(_from_numpy(state.adapter))
        self.optimizer.state = _from_numpy(state.optimizer)

    def read_held_out(self) -> None:
        """Go through the rows an evaluation will need, so that a bad one is found before anything is replaced.

        Raises:
            DataError: If a row cannot be encoded.
            ObjectiveError: If there are rows and not a token in them to predict.
        """
        batch = None
        for batch in self._held_out():
            self.top_token = max(self.top_token, int(batch.tokens.max()))
            self.width = max(self.width, batch.tokens.shape[1])
        if batch is None and self.valid is not None:
            raise ObjectiveError("no tokens in the held-out rows; give others, or measure nothing with --val-batches 0")

    @property
    def repeats(self) -> bool:
        """Whether any of the data is seen more than once."""
        return self.total_batches > self.plan.survey.batches

    @property
    def stopped_early(self) -> bool:
        """Whether the held-out loss has not fallen for ``patience`` evaluations."""
        return 0 < self.config.patience <= self.progress.worse_in_a_row

    def run(self, metrics: Metrics, checkpoints: Checkpoints) -> None:
        """Train to the last step, or until the held-out loss no longer falls; the model then has its best weights.

        Raises:
            TrainingInterrupted: After Ctrl-C; a checkpoint of the last full step is saved.
            TrainingError: After ``max_bad_steps`` bad steps in a row, with too much memory in use, or if a checkpoint
                cannot be written.
        """
        self.model.train()
        hidden = self.config.quiet or None
        bar = tqdm(total=self.total_steps, initial=self.step, desc="training", unit="step", disable=hidden)
        self._good = self.step, copy.deepcopy(self.progress)
        with Interrupt() as interrupt, bar, checkpoints:
            if self.step == 0:
                self._evaluate(metrics, interrupt)
                self.progress.valid_before = self.progress.valid_last
            elif self.progress.valid_due:
                self._after_step(metrics, checkpoints, interrupt)
            for batches in self._micro_batches():
                if self._interrupted(interrupt) or self.stopped_early:
                    break
                row = self._train_step(batches, checkpoints)
                metrics.write(row)
                bar.update()
                bar.set_postfix(self._shown(row), refresh=False)
                self._after_step(metrics, checkpoints, interrupt)
                if not row.get("skipped"):
                    self._good = self.step, copy.deepcopy(self.progress)
            if self._interrupted(interrupt):
                self._stop(checkpoints)
        self._take_best(checkpoints)

    def _interrupted(self, interrupt: Interrupt) -> bool:
        """Whether to stop; ranks stop together, since each step needs all of them."""
        return self.differentiate.ranks.any(interrupt.requested)

    def _shown(self, row: dict[str, Any]) -> dict[str, str]:
        """Numbers of the progress bar: loss, held-out loss, tokens per second, effective sample size."""
        numbers = {"loss": row["loss"], "valid": self.progress.valid_last, "tok/s": row["tokens_per_second"]}
        shown = {name: f"{value:.4g}" for name, value in numbers.items() if value is not None}
        return shown | ({"ess": f"{self.progress.ess:.0%}"} if self.progress.ess else {})

    def _after_step(self, metrics: Metrics, checkpoints: Checkpoints, interrupt: Interrupt) -> None:
        last, best = self.step == self.total_steps, False
        every = self.config.steps_per_eval
        if last or (every and self.step % every == 0):
            loss = self._evaluate(metrics, interrupt)
            self.progress.valid_due = loss is None and self._interrupted(interrupt)
            best = loss is not None and self.progress.note_valid(loss, self.step)
        if last or best or self.stopped_early or self.step % self.config.save_every == 0:
            checkpoints.save_in_background(self.state())
        self._check_memory(checkpoints)

    def _check_memory(self, checkpoints: Checkpoints) -> None:
        """Stop where memory runs out at any of the ranks: the first one alone has checkpoints that last."""
        limit = self.config.max_memory_gb
        if limit is None or (used := self.differentiate.ranks.largest(memory_in_use()) / 1e9) <= limit:
            return
        checkpoints.wait()
        path = checkpoints.save(self.state())
        raise TrainingError(
            f"{used:.2f} GB are in use after step {self.step} and max_memory_gb is {limit:g}; saved {path.name}, go on "
            "with --resume --grad-checkpoint or a higher --max-memory-gb, or start anew with a smaller --batch-size"
        )

    def _take_best(self, checkpoints: Checkpoints) -> None:
        """With ``patience`` the adapter is the one with the lowest held-out loss."""
        best = self.progress.best_step
        if self.config.patience and best is not None and best != self.step:
            ranks = self.differentiate.ranks
            state = ranks.state_from_first(checkpoints.at_step(best) if ranks.first else None)
            self.model.update(_from_numpy(state.adapter if state else {}))
            self.progress.valid_last = self.progress.valid_best
            log.info("the adapter is that of step %d, which had the lowest held-out loss", best)

    def _stop(self, checkpoints: Checkpoints) -> None:
        checkpoints.wait()
        if self.step == 0:
            raise TrainingInterrupted("interrupted before the first step; nothing was trained")
        path = checkpoints.save(self.state())
        raise TrainingInterrupted(f"interrupted after step {self.step}; saved {path.name}, go on with --resume")

    def _micro_batches(self) -> Iterator[list[tuple[Batch, Position]]]:
        """The batches of each step from the next one on; the last step may have fewer."""
        size = self.config.grad_accumulation_steps
        endless = self.plan.stream.endless(self.progress.place)
        left = max(self.total_batches - self.step * size, 0)  # a last step that had fewer is done
        remaining = itertools.islice(endless, left)
        while group := list(itertools.islice(remaining, size)):
            yield group

    def _train_step(self, group: list[tuple[Batch, Position]], checkpoints: Checkpoints) -> dict[str, Any]:
        started = time.perf_counter()
        batches = [batch for batch, _ in group]
        gradients = self.differentiate(batches, self.step * self.config.grad_accumulation_steps)
        self.optimizer.learning_rate = rate = self._rate(self.step + 1)
        row: dict[str, Any] = {"step": self.step + 1, "learning_rate": rate}
        if gradients.finite:
            clip = gradients.clip_factor(self.config.max_grad_norm)
            self._update(gradients.tree, clip)
            seconds = time.perf_counter() - started
            self.progress.count_step(batches, clipped=clip < 1.0)
            row.update(self._report(gradients, clip, seconds))
        else:
            row.update(self._skip(gradients, checkpoints))
            seconds = time.perf_counter() - started
        self.progress.seconds += seconds
        self.progress.position = group[-1][1].to_json()
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
        weights = np.concatenate([batch.weights for batch in gradients.batches])
        row = {
            "loss": gradients.loss,
            "weighted_loss": gradients.weighted_loss,
            "mean_weight": gradients.mean_weight,
            "step_ess": effective_sample_size(weights),
            "ess": self.progress.ess,
            "grad_norm": gradients.norm,
            "clip": clip,
            "clipped_share": self.progress.clipped_share,
            "tokens": gradients.tokens,
            "tokens_per_second": gradients.tokens / seconds,
            **gradients.extras,
        }
        if self.plan.term is not None:
            terms = np.concatenate([self.plan.term(batch.members) for batch in gradients.batches])
            tokens = np.concatenate([batch.n_tokens for batch in gradients.batches])
            row["distrust_term"] = float(np.average(terms, weights=tokens))
        return row

    def _skip(self, gradients: Gradients, checkpoints: Checkpoints) -> dict[str, Any]:
        ids = {i: item.row_id for batch in gradients.batches for i, item in zip(batch.items.tolist(), batch.members)}
        rows = sorted({ids[i] for i in gradients.bad_items or ids})
        log.warning("step %d skipped: loss or gradient is not finite in rows %s", self.step + 1, ", ".join(rows))
        self.progress.skipped += 1
        self.progress.bad_in_a_row += 1
        if self.progress.bad_in_a_row >= self.config.max_bad_steps:
            self._give_up(rows, checkpoints)
        return {"skipped": True, "rows": rows, "loss": None, "tokens": 0, "tokens_per_second": 0.0}

    def _give_up(self, rows: list[str], checkpoints: Checkpoints) -> None:
        """Nothing was updated in the bad steps, so the weights are still those of the last good one."""
        bad = self.progress.bad_in_a_row
        self.step, self.progress = self._good
        checkpoints.wait()
        saved = "nothing was trained"
        if self.step > 0:
            saved = f"{checkpoints.save(self.state()).name} is the last good checkpoint"
        raise TrainingError(
            f"{bad} steps in a row had a loss or gradient that is not finite (rows {', '.join(rows)}); {saved}; "
            "remove those rows or lower --learning-rate"
        )

    def _evaluate(self, metrics: Metrics, interrupt: Interrupt) -> float | None:
        """Unweighted loss of the held-out items in nats per token, perhaps not finite.

        Returns:
            None where there are none, or after Ctrl-C.
        """
        if self.valid is None:
            return None
        self.model.eval()
        total, count = 0.0, 0
        hidden = self.config.quiet or None
        for batch in tqdm(self._held_out(), desc="held-out loss", unit="batch", disable=hidden, leave=False):
            nll, tokens = self.differentiate.held_out(batch)
            if math.isfinite(total) and not math.isfinite(nll):
                rows = ", ".join(sorted({item.row_id for item in batch.members}))
                log.warning("step %d: the held-out loss is not finite in rows %s", self.step, rows)
            total, count = total + nll, count + tokens
            if self._interrupted(interrupt):
                return None
        self.model.train()
        loss = total / count
        self.progress.valid_last = loss if math.isfinite(loss) else None
        metrics.write({"step": self.step, "valid_loss": self.progress.valid_last})
        return loss

    def _held_out(self) -> Iterator[Batch]:
        """The batches of one evaluation."""
        limit = None if self.config.val_batches < 0 else self.config.val_batches
        if self.valid is not None:
            yield from (batch for batch, _ in itertools.islice(self.valid.batches(), limit))


def _to_numpy(tree: Any) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in tree_flatten(tree)}


def _from_numpy(arrays: Any) -> Any:
    return tree_unflatten([(name, mx.array(value)) for name, value in arrays.items()])
