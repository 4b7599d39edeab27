"""Several processes: what they raise is raised, and one that is killed ends the run instead of hanging it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from distrust_hub.errors import OutputError
from distrust_hub.scoring.inputs import InputRow
from distrust_hub.scoring.rows import score_rows
from distrust_hub.scoring.workers import in_processes
from tests.scoring.test_bulk import TEXTS


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.03, 0.07])
def test_a_worker_that_dies_is_named_and_the_run_can_go_on(seconds: float) -> None:
    def given() -> Iterator[InputRow]:
        for number, text in enumerate(TEXTS * 200):
            if number == 3000:
                time.sleep(seconds)  # it dies at another moment of its work, in sending a result too
                for child in multiprocessing.active_children():
                    child.kill()
            yield InputRow("in", number, {"text": text})

    options = {"text_column": "text", "evidence": False, "prior_share": 0.7}
    with pytest.raises(OutputError, match=r"a worker process was ended.*--resume"):
        list(score_rows(given(), options, workers=2))


def _killed_while_it_answers(item: int, argument: None) -> bytes:
    if item == 3:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return b"x" * 300_000_000  # takes longer to send than the process has to live
    return b"x"


def test_a_worker_killed_in_the_middle_of_its_answer_does_not_hang_the_run() -> None:
    with pytest.raises(OutputError, match="a worker process was ended"):
        list(in_processes(_killed_while_it_answers, range(8), None, 2))


def _fails(item: int, argument: int) -> int:
    return argument // item


def test_what_a_worker_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_processes(_fails, [2, 1, 0, 1], 6, 2))
