"""One line of evidence: what moved a score, by how much, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Axis = Literal["authority_weight", "provenance_entropy"]
AXES: tuple[Axis, ...] = ("authority_weight", "provenance_entropy")


@dataclass(frozen=True)
class Evidence:
    """One contribution to one axis.

    Attributes:
        axis: ``authority_weight`` or ``provenance_entropy``.
        component: Name of the component, e.g. ``era`` or ``style``.
        contribution: Signed amount added to the axis, in its own unit (1, or bits).
        reason: Why, in one line.
        text: What was matched, None where the evidence is not in the text.
        span: Code points ``(start, end)`` of the original text, None where ``text`` is None.
        field: Metadata field it was read from, None for evidence of the text.
    """

    axis: Axis
    component: str
    contribution: float
    reason: str
    text: str | None = None
    span: tuple[int, int] | None = None
    field: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON; absent places are left out."""
        shown: dict[str, Any] = {
            "axis": self.axis,
            "component": self.component,
            "contribution": round(self.contribution, 6),
            "reason": self.reason,
        }
        if self.text is not None:
            shown["text"] = self.text
        if self.span is not None:
            shown["span"] = list(self.span)
        if self.field is not None:
            shown["field"] = self.field
        return shown
