from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.artifacts import EvalReport
from distrust_hub.errors import ConfigError, EvaluationError
from distrust_hub.evaluation.radar import radar, radar_svg, write_radar

SVG = "{http://www.w3.org/2000/svg}"


def metric(value: float | None, base: float | None = None) -> dict[str, Any]:
    return {"value": value, "baseline": 0.5, **({} if base is None else {"base": base})}


def report(adapter: str | None, partial: bool = False, **values: tuple[float | None, float | None]) -> EvalReport:
    metrics = {name: metric(*pair) for name, pair in values.items()}
    return EvalReport("me/base", None, adapter, {"probes": {"partial": partial, "metrics": metrics}})


ONE = report("one", a_accuracy=(0.5, 0.25), mc1=(0.75, 0.5), mc2=(1.0, 0.5), loss=(3.0, 2.0))
TWO = report("<two>", a_accuracy=(0.1, 0.25), mc1=(None, None), mc2=(0.2, 0.5))


def test_radar_takes_the_metrics_from_0_to_1_of_every_adapter() -> None:
    picture = radar([ONE, TWO])
    assert picture.names == ("base", "one", "<two>")
    assert {axis.label: axis.values for axis in picture.axes} == {
        "probes: a_accuracy": (0.25, 0.5, 0.1),
        "probes: mc1": (0.5, 0.75, None),
        "probes: mc2": (0.5, 1.0, 0.2),
    }


def test_a_metric_that_nobody_measured_is_no_axis() -> None:
    drawn = report("one", a_accuracy=(0.5, 0.25), mc1=(0.75, 0.5), mc2=(1.0, 0.5), binary=(None, None))
    assert [axis.label for axis in radar([drawn]).axes] == ["probes: a_accuracy", "probes: mc1", "probes: mc2"]


def test_radar_draws_the_chance_of_each_metric() -> None:
    drawn = report("one", a_accuracy=(0.5, 0.25), mc1=(0.75, 0.5), mc2=(1.0, 0.5))
    drawn.suites["probes"]["metrics"]["mc1"]["baseline"] = 0.225
    picture = radar([drawn])
    assert [axis.chance for axis in picture.axes] == [0.5, 0.225, 0.5]
    dotted = next(line for line in radar_svg(picture).splitlines() if "stroke-dasharray" in line)
    x, y = dotted.split('points="')[1].split()[1].strip('"').split(",")
    assert math.dist((float(x), float(y)), (320, 320)) == pytest.approx(0.225 * 210, abs=0.1)


def test_radar_of_the_base_alone_has_one_outline() -> None:
    picture = radar([report(None, a_accuracy=(0.5, None), mc1=(0.7, None), mc2=(0.2, None))])
    assert picture.names == ("base",)
    assert [axis.values for axis in picture.axes] == [(0.5,), (0.7,), (0.2,)]


def test_radar_needs_three_metrics() -> None:
    with pytest.raises(EvaluationError, match="2 metrics"):
        radar([report(None, mc1=(0.7, None), mc2=(0.2, None))])


def test_radar_svg_puts_values_at_their_distance_from_the_centre() -> None:
    root = ElementTree.fromstring(radar_svg(radar([ONE, TWO])))
    outlines = [shape for shape in root.iter(f"{SVG}polygon") if shape.get("fill") != "none"]
    assert len(outlines) == 3
    top = [float(shape.get("points", "").split()[0].split(",")[1]) for shape in outlines]
    assert top == [320 - 0.25 * 210, 320 - 0.5 * 210, 320 - 0.1 * 210]
    assert len(outlines[2].get("points", "").split()) == 2, "what was not measured has no corner"


def test_radar_svg_describes_its_numbers_and_escapes_names() -> None:
    text = radar_svg(radar([report("<two>", True, a_accuracy=(0.1, 0.2), mc1=(0.1, 0.2), mc2=(0.1, 0.2)), ONE]))
    description = ElementTree.fromstring(text).findtext(f"{SVG}desc") or ""
    assert "probes (partial): mc1: base 0.200, <two> 0.100" in description


def test_write_radar_writes_svg_and_png(tmp_path: Path) -> None:
    assert write_radar([ONE], tmp_path / "r.svg").read_text().startswith("<svg")
    pytest.importorskip("matplotlib")
    assert write_radar([ONE, TWO], tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


def test_write_radar_refuses_other_formats(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.svg or \.png"):
        write_radar([ONE], tmp_path / "r.pdf")
    assert not list(tmp_path.iterdir())
