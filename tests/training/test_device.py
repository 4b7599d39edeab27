from __future__ import annotations

import pytest

from distrust_hub.training.device import memory_in_use, metal_limits, peak_memory_bytes, prepare_device

pytestmark = pytest.mark.mlx

M2_INFO = {"max_recommended_working_set_size": 17_179_869_184, "memory_size": 25_769_803_776, "device_name": "Apple M2"}
"""What MLX reports on a Mac with 24 GB, of which the GPU may take two thirds."""


def test_metal_limits_follow_the_device():
    limits = metal_limits(M2_INFO, None)
    assert limits == {"wired": 17_179_869_184, "memory": 17_179_869_184, "cache": 4_294_967_296}


def test_metal_limits_follow_the_user_where_that_is_less():
    assert metal_limits(M2_INFO, 8.0)["memory"] == 8_000_000_000
    assert metal_limits(M2_INFO, 100.0) == metal_limits(M2_INFO, None)


def test_prepare_device_changes_nothing_on_a_cpu(tiny):
    prepare_device(tiny.model, 8.0)
    assert str(tiny.model.model.embed_tokens.weight.dtype) == "mlx.core.float32"


def test_memory_in_use_sees_what_the_process_holds():
    before = memory_in_use()
    block = bytearray(300_000_000)
    block[::4096] = b"x" * len(block[::4096])
    assert memory_in_use() - before > 200_000_000
    assert peak_memory_bytes() >= memory_in_use()
    del block
