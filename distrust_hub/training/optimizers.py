"""The optimizers by mlx-lm's names."""

from __future__ import annotations

from typing import Any

from distrust_hub.config import TrainConfig
from distrust_hub.models.runtime import mx, optim


class _SparesVectors:
    """Leaves vectors (DoRA's magnitudes) without weight decay; a decayed magnitude shrinks its layer."""

    weight_decay: float

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict[str, Any]) -> mx.array:
        decay = self.weight_decay
        try:
            self.weight_decay = decay if parameter.ndim > 1 else 0.0
            return super().apply_single(gradient, parameter, state)  # type: ignore[misc]
        finally:
            self.weight_decay = decay


class _AdamW(_SparesVectors, optim.AdamW):
    pass


class _SGD(_SparesVectors, optim.SGD):
    pass


class _Muon(_SparesVectors, optim.Muon):
    pass


def make_optimizer(config: TrainConfig) -> optim.Optimizer:
    """The optimizer of a run; ``weight_decay`` acts in those that have one, on matrices only.

    AdamW: Loshchilov and Hutter 2019, with bias correction. Adam: the same without decay. Muon, Adafactor and SGD
    (momentum 0.9) are MLX's with their defaults.
    """
    rate, decay = config.learning_rate, config.weight_decay
    makers = {
        "adamw": lambda: _AdamW(rate, weight_decay=decay, bias_correction=True),
        "adam": lambda: optim.Adam(rate, bias_correction=True),
        "sgd": lambda: _SGD(rate, momentum=0.9, weight_decay=decay),
        "muon": lambda: _Muon(rate, weight_decay=decay),
        "adafactor": lambda: optim.Adafactor(rate, relative_step=False, scale_parameter=False),
    }
    return makers[config.optimizer]()
