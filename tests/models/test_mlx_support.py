from __future__ import annotations

import pytest

from distrust_hub.models.mlx_support import why_mlx_is_missing


@pytest.mark.parametrize(
    ("system", "machine", "mac", "libc", "expected"),
    [
        ("darwin", "x86_64", "15.0", ("", ""), "Rosetta"),
        ("darwin", "arm64", "13.6", ("", ""), "macOS is 13.6; MLX needs 14"),
        ("linux", "x86_64", "", ("glibc", "2.31"), "glibc is 2.31; MLX needs 2.35"),
        ("linux", "x86_64", "", ("", ""), "needs glibc"),
        ("win32", "AMD64", "", ("", ""), "not on win32"),
    ],
)
def test_cause_is_named(monkeypatch, system, machine, mac, libc, expected):
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.mac_ver", lambda: (mac, ("", "", ""), ""))
    monkeypatch.setattr("platform.libc_ver", lambda: libc)
    assert expected in why_mlx_is_missing()


def test_unknown_cause_is_the_import_error_itself(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.36"))
    assert why_mlx_is_missing("No module named 'mlx'") == ""
    assert why_mlx_is_missing("libcuda.so.1: cannot open") == "libcuda.so.1: cannot open"
