from __future__ import annotations

import pytest

from distrust_hub.app.limits import Limits
from distrust_hub.errors import ConfigError, DataError


def test_limits_refuse_a_bound_below_one():
    with pytest.raises(ConfigError, match="rows is 0"):
        Limits(rows=0)


@pytest.mark.parametrize(
    ("check", "fits", "too_much"),
    [
        ("check_text", "abcde", "abcdef"),
        ("check_message", "abcde", "abcdef"),
        ("check_rows", 5, 6),
    ],
)
def test_limits_take_the_bound_and_refuse_one_more(check, fits, too_much):
    limits = Limits(text_chars=5, message_chars=5, rows=5)
    getattr(limits, check)(fits)
    with pytest.raises(DataError, match="the app takes"):
        getattr(limits, check)(too_much)


def test_limits_refuse_an_empty_message_but_not_an_empty_text():
    Limits().check_text("")
    with pytest.raises(DataError, match="empty"):
        Limits().check_message(" \n")
