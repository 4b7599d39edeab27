from __future__ import annotations

import math
from pathlib import Path

from distrust_hub.evaluation.journal import Journal

ONE, TWO = ((1, 2), (3,)), ((1, 2), (3, 4))


def test_journal_gives_back_what_an_earlier_run_kept(tmp_path: Path) -> None:
    path = tmp_path / "out" / "partial_x.jsonl"
    Journal(path, {"base": "a"}).add({ONE: -1.25, TWO: -0.1})
    again = Journal(path, {"base": "a"}, resume=True)
    assert (again.get(ONE), again.get(TWO), again.get(((9,), (9,)))) == (-1.25, -0.1, None)


def test_journal_of_another_model_or_without_resume_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "partial_x.jsonl"
    Journal(path, {"base": "a"}).add({ONE: -1.0})
    assert Journal(path, {"base": "b"}, resume=True).get(ONE) is None
    Journal(path, {"base": "b"}).add({ONE: -2.0})
    assert Journal(path, {"base": "b"}).get(ONE) is None
    assert Journal(path, {"base": "b"}, resume=True).get(ONE) is None


def test_runs_of_two_models_at_once_never_read_each_others_scores(tmp_path: Path) -> None:
    path = tmp_path / "partial_x.jsonl"
    first = Journal(path, {"base": "a"})
    first.add({ONE: -1.0})
    Journal(path, {"base": "b"}).add({ONE: -5.0})
    first.add({TWO: -2.0})
    again = Journal(path, {"base": "b"}, resume=True)
    assert (again.get(ONE), again.get(TWO)) == (-5.0, None)


def test_journal_passes_over_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "partial_x.jsonl"
    Journal(path, {}).add({ONE: -1.0, TWO: -2.0})
    path.write_bytes(path.read_bytes()[:-5])
    again = Journal(path, {}, resume=True)
    assert (again.get(ONE), again.get(TWO)) == (-1.0, None)
    again.add({TWO: -2.0})
    assert Journal(path, {}, resume=True).get(TWO) == -2.0


def test_journal_never_keeps_a_number_that_is_not_finite(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "partial_x.jsonl", {})
    journal.add({ONE: math.nan, TWO: -math.inf})
    assert (journal.get(ONE), journal.get(TWO)) == (None, None)
    assert not journal.path.exists(), "a file without scores leaves nothing to resume"


def test_journal_of_another_model_that_scores_nothing_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "partial_x.jsonl"
    Journal(path, {"base": "a"}).add({ONE: -1.0})
    Journal(path, {"base": "b"}, resume=True)
    assert not path.exists()


def test_journal_without_a_path_keeps_nothing() -> None:
    journal = Journal(None)
    journal.add({ONE: -1.0})
    journal.remove()
    assert journal.get(ONE) is None


def test_remove_leaves_no_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "partial_x.jsonl", {})
    journal.add({ONE: -1.0})
    journal.remove()
    assert list(tmp_path.iterdir()) == []
