"""Tables and plots of the study's results.

python experiments/report.py            print the tables
python experiments/report.py --write    put them into docs/evidence.md, and draw docs/images/evidence-NAME.svg and .png
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from study import RESULTS, planned, read_protocols

from distrust_hub.evaluation.statistics import Estimate, hierarchical_mean
from distrust_hub.files import atomic_write, read_json

DOCS = Path(__file__).parents[1] / "docs"
START, END = "<!-- results: written by experiments/report.py -->", "<!-- end of results -->"

T_95 = {3: 4.303, 4: 3.182, 5: 2.776}
"""Two-sided 95 % quantile of Student's t by number of seeds."""

Results = dict[str, dict[int, dict[str, Any]]]
"""{arm: {seed: what the run wrote}}."""


@dataclass(frozen=True)
class Line:
    """One arm after one epoch.

    Attributes:
        arm: The arm, and how it was asked where that differs.
        epoch: Passes over the data.
        seeds: Runs behind it.
        delta: Mean delta, nats.
        difference: Mean difference to ``none`` on the same entities, None for ``none``.
        recall: How much more of what was stated, by either side, the model knows than before training, nats; None
            where a run did not measure it.
    """

    arm: str
    epoch: int
    seeds: int
    delta: Estimate
    difference: Estimate | None
    recall: Estimate | None


def main() -> None:
    """Print, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write docs/evidence.md and its plots")
    args = parser.parse_args()
    newest_first = reversed(read_protocols().items())
    text = "\n\n".join(section(name, protocol, read_results(RESULTS / name)) for name, protocol in newest_first)
    if not args.write:
        print(text)
        return
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    before, rest = page.split(START)
    after = rest.split(END)[1]
    with atomic_write(DOCS / "evidence.md") as stream:
        stream.write(f"{before}{START}\n\n{text}\n\n{END}{after}")
    for name, protocol in read_protocols().items():
        compared = [line for line in lines(protocol, read_results(RESULTS / name)) if line.difference is not None]
        if compared:
            draw_forest(compared, DOCS / "images" / f"evidence-{name}")


def section(name: str, protocol: dict[str, Any], results: Results) -> str:
    """Heading, plot and tables of one protocol."""
    found = lines(protocol, results)
    done, wanted = sum(map(len, results.values())), len(planned(protocol))
    size = f"{done} of {wanted} runs. {protocol['data']['entities']} entities a seed."
    parts = [f"### Protocol {name}", f"{size} {protocol.get('stopped', '')}".strip()]
    if not found:
        return "\n\n".join(parts)
    parts.append(preference_table(found))
    parts += seeds_table(protocol, results)
    if any(line.difference is not None for line in found):
        parts.append(f"![Difference to plain LoRA](images/evidence-{name}.svg)")
    if "margins" in protocol:
        parts.append(guard_table(protocol, results))
        parts += [truthfulqa_line(file, protocol) for file in sorted((RESULTS / name).glob("truthfulqa_seed*.json"))]
    return "\n\n".join([*parts, literal_line(results)] if "literal" in results else parts)


def read_results(folder: Path) -> Results:
    """Every result there is."""
    results: Results = {}
    for file in sorted(folder.glob("*-seed*.json")):
        result = read_json(file)
        results.setdefault(result["arm"], {})[result["seed"]] = result
    return results


def lines(protocol: dict[str, Any], results: Results) -> list[Line]:
    """Arms in the protocol's order, each after each epoch."""
    found = []
    for arm in protocol["arms"]:
        runs = results.get(arm, {})
        questions = dict.fromkeys(question for run in runs.values() for question in run["deltas"])
        for question in questions:
            for epoch in range(1, 1 + max(run["settings"]["epochs"] for run in runs.values())):
                found.append(_line(arm, question, epoch, runs, results.get(_control(arm), {})))
    return found


def _control(arm: str) -> str:
    return "unseen-after-none" if arm.startswith("unseen-") else "none"


def _line(arm: str, question: str, epoch: int, runs: dict[int, Any], controls: dict[int, Any]) -> Line:
    deltas = {seed: _summed(run, question, epoch) for seed, run in runs.items()}
    paired = [deltas[seed] - _summed(controls[seed], question, epoch) for seed in deltas if seed in controls]
    difference = hierarchical_mean(paired) if paired and arm != _control(arm) else None
    name = arm + question.removeprefix("trained")
    asked = [run["deltas"][question] for run in runs.values()]
    learned = [np.subtract(told[str(epoch)]["recall"], told["0"]["recall"]) for told in asked if "recall" in told["0"]]
    recall = hierarchical_mean(learned) if learned else None
    return Line(name, epoch, len(deltas), hierarchical_mean(list(deltas.values())), difference, recall)


def _summed(run: dict[str, Any], question: str, epoch: int) -> np.ndarray:
    """Deltas; a control that was not asked so (with a tag it does not know) gives those without."""
    return np.array(run["deltas"].get(question, run["deltas"]["trained"])[str(epoch)]["summed"])


def preference_table(found: list[Line]) -> str:
    """The primary endpoint."""
    rows = [
        (
            line.arm,
            line.epoch,
            line.seeds,
            "not measured" if line.recall is None else f"{_signed(line.recall.value)} ({_ends(line.recall)})",
            f"{_signed(line.delta.value)} ({_ends(line.delta)})",
            "" if line.difference is None else _signed(line.difference.value),
            "" if line.difference is None else _interval(line.difference),
        )
        for line in found
    ]
    return _table(
        ("arm", "epoch", "seeds", "recall (95 %)", "delta in nats (95 %)", "difference to `none`", "95 %"), rows
    )


def seeds_table(protocol: dict[str, Any], results: Results) -> list[str]:
    """Differences to ``none`` seed by seed after the last epoch, and the interval of their mean by Student's t."""
    rows = []
    for arm in protocol["arms"]:
        runs, controls = results.get(arm, {}), results.get(_control(arm), {})
        seeds = sorted(set(runs) & set(controls)) if arm != _control(arm) else []
        if len(seeds) not in T_95:
            continue
        epoch = max(run["settings"]["epochs"] for run in runs.values())
        means = [
            float(np.mean(_summed(runs[s], "trained", epoch) - _summed(controls[s], "trained", epoch))) for s in seeds
        ]
        rows.append((f"`{arm}`", epoch, ", ".join(map(_signed, means)), _t_interval(means)))
    headers = ("arm", "epoch", "difference to `none`, seed by seed", "95 % by Student's t over seeds")
    return [_table(headers, rows)] if rows else []


def _t_interval(values: list[float]) -> str:
    """95 % interval of a mean over seeds by Student's t."""
    half = T_95[len(values)] * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{_signed(np.mean(values) - half)} to {_signed(np.mean(values) + half)}"


def guard_table(protocol: dict[str, Any], results: Results) -> str:
    """Held-out loss after training, against ``none`` of the same seed; the protocol says how it is judged."""
    margins = protocol["margins"]
    margin, by_mean = margins["held_out_loss_nats_per_token"], margins.get("judged_by") == "mean"
    rows = []
    for arm in protocol["arms"]:
        runs, control = results.get(arm, {}), results.get(_control(arm), {})
        after = [run["loss"]["valid_after"] for run in runs.values()]
        pairs = [runs[s]["loss"]["valid_after"] - control[s]["loss"]["valid_after"] for s in runs if s in control]
        if not after or arm == "preference":  # reads the documents after a prompt, so its loss is another one
            continue
        against = ("", "", "")
        if arm != _control(arm) and pairs:
            mean, worst = float(np.mean(pairs)), max(pairs)
            interval = f" ({_t_interval(pairs)})" if len(pairs) in T_95 else ""
            verdict = "within the margin" if (mean if by_mean else worst) <= margin else "beyond the margin"
            against = (f"{_signed(mean)}{interval}", _signed(worst), verdict)
        ess = np.mean([run["weights"]["ess"] for run in runs.values()])
        before = np.mean([run["loss"]["valid_before"] for run in runs.values()])
        rows.append((arm, len(runs), f"{ess:.2f}", f"{before:.3f}", f"{np.mean(after):.3f}", *against))
    headers = (
        *("arm", "seeds", "effective sample", "held-out loss before", "after"),
        *("difference to `none` (95 % by Student's t)", "at the worst seed"),
        f"judged by {'the mean' if by_mean else 'the worst seed'}",
    )
    return _table(headers, rows)


def truthfulqa_line(file: Path, protocol: dict[str, Any]) -> str:
    """MC1 and MC2 of an arm against plain LoRA on the same questions, and whether MC2 is within the margin."""
    report = read_json(file)
    suite = report["suites"]["truthfulqa"]
    said = []
    for metric in ("mc1", "mc2"):
        found = suite["metrics"][metric]
        low, high = found["against"]["ci95"]
        own = "95 % {:.3f} to {:.3f}, ".format(*found["ci95"]) if "ci95" in found else ""
        said.append(
            f"{metric.upper()} {found['value']:.3f} (base {found['base']:.3f}), {own}against `{suite['against']}` "
            f"{_signed(found['against']['value'])} ({_signed(low)} to {_signed(high)})"
        )
    margin = protocol["margins"]["truthfulqa_mc2"]
    fell = -suite["metrics"]["mc2"]["against"]["value"]
    verdict = "within" if fell <= margin else "beyond"
    return (
        f"TruthfulQA, {suite['n']} questions, `{report['adapter']}`: {'; '.join(said)}. MC2 is {verdict} the margin "
        f"of {margin}."
    )


def literal_line(results: Results) -> str:
    """Whether the published term, added to the loss, changed anything."""
    seeds = sorted(set(results.get("literal", {})) & set(results.get("none", {})))
    if not seeds:
        return "`literal` has not been run yet."
    same = all(results["literal"][s]["adapter_sha256"] == results["none"][s]["adapter_sha256"] for s in seeds)
    relation = "the same bytes as" if same else "NOT the bytes of"
    return f"`literal`, seed {', '.join(map(str, seeds))}: its adapter has {relation} the adapter of `none`."


def _table(headers: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    marks = ["---", *["---:"] * (len(headers) - 1)]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (headers, marks, *rows))


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _interval(estimate: Estimate) -> str:
    return _ends(estimate) if estimate.n > 1 else f"{_ends(estimate)} (entities of one seed)"


def _ends(estimate: Estimate) -> str:
    return f"{estimate.low:+.3f} to {estimate.high:+.3f}"


def draw_forest(found: list[Line], stem: Path) -> None:
    """Differences to ``none`` with their intervals, one row an arm and epoch, as ``STEM.svg`` and ``STEM.png``."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams |= {
        "svg.hashsalt": "distrust-hub",
        "svg.fonttype": "none",
    }  # same numbers, same file; text is text
    figure = Figure(figsize=(8, 1.3 + 0.28 * len(found)), layout="constrained")
    plot = figure.add_subplot()
    plot.axvline(0, color="black", linewidth=1)
    for row, line in enumerate(found):
        if line.difference is None:
            continue
        low, value, high = line.difference.low, line.difference.value, line.difference.high
        colour = "#6b7280" if low <= 0 <= high else "#1d4ed8"
        plot.plot([low, high], [row, row], color=colour, linewidth=2)
        plot.plot(value, row, "o", color=colour)
    names = [f"{line.arm}, epoch {line.epoch} ({line.seeds} seed{'s'[: line.seeds > 1]})" for line in found]
    plot.set_yticks(range(len(found)), names)
    plot.set_ylim(len(found) - 0.5, -0.5)
    plot.set_xlabel("difference to plain LoRA (nats), 95 % interval")
    for kind, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        with atomic_write(stem.with_suffix(f".{kind}"), "wb") as stream:
            figure.savefig(stream, format=kind, metadata=metadata, dpi=120)


if __name__ == "__main__":
    main()
