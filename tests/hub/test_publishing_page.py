"""The messages that docs/publishing.md explains are printed."""

from __future__ import annotations

from pathlib import Path

from distrust_hub import hub

PAGE = (Path(__file__).parents[2] / "docs" / "publishing.md").read_text(encoding="utf-8")


def test_documented_messages_are_the_ones_that_are_printed() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(hub.__file__).parent.glob("*.py"))
    table = PAGE.split("| message |")[1].splitlines()[2:]
    messages = [line.split("|")[1].strip(" `") for line in table if line.startswith("|")]
    assert len(messages) == 8
    assert [message for message in messages if message not in source] == []
