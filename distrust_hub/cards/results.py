"""What a card says of an evaluation: metrics against the base, and comparisons with another adapter."""

from __future__ import annotations

from dataclasses import dataclass

from distrust_hub.cards.facts import Facts, as_list, whole_number


@dataclass(frozen=True)
class Result:
    """One metric of one suite.

    Attributes:
        suite: Name of the suite.
        metric: Name of the metric.
        value: ``value``, ``ci95``, ``baseline``, ``base`` and ``difference`` as in ``eval_results.json``.
        n: Items it was measured on.
        settings: The suite's entry, with its other settings.
        group: Part of the suite, such as a category; None for the whole.
    """

    suite: str
    metric: str
    value: Facts
    n: int | None
    settings: Facts
    group: str | None = None

    @property
    def verdict(self) -> str | None:
        """What the evaluation says of the difference to the base; None without a comparison."""
        return _verdict(self.value["difference"])

    @property
    def partial(self) -> bool:
        """Whether only some of the suite's items were measured."""
        return bool(self.settings["partial"])


@dataclass(frozen=True)
class Comparison:
    """How far a metric is from that of another adapter on the same items, or a difference in differences.

    Attributes:
        suite, metric, group, partial: What was measured, as in Result.
        against: Name of the other adapter, or ``base``.
        difference: ``value`` and ``ci95``.
        n: Items behind it.
    """

    suite: str
    metric: str
    against: object
    difference: Facts
    n: int | None
    partial: bool
    group: str | None = None

    @property
    def verdict(self) -> str | None:
        """What the evaluation says of the difference."""
        return _verdict(self.difference)


def results(report: Facts) -> list[Result]:
    """Metrics in the order of suites and metrics; of each group the primary one."""
    found = []
    for suite, entry in sorted(Facts.of(report["suites"]).items()):
        settings = Facts.of(entry)
        found += [
            _result(suite, name, value, settings) for name, value in sorted(Facts.of(settings["metrics"]).items())
        ]
        for group, part in sorted(Facts.of(settings["groups"]).items()):
            name = settings["primary_metric"]
            value = Facts.of(Facts.of(part)["metrics"])[name] if isinstance(name, str) else None
            if value is not None:
                found.append(_result(suite, name, value, settings, group))
    return found


def comparisons(report: Facts) -> list[Comparison]:
    """Differences to the adapter named with ``--against``, and differences in differences."""
    found = [
        _comparison(r.suite, r.metric, r.settings["against"], r.value["against"], r.partial, r.group)
        for r in results(report)
    ]
    for suite, entry in sorted(Facts.of(report["suites"]).items()):
        settings = Facts.of(entry)
        contrast = Facts.of(settings["difference_in_differences"])
        metric = " minus ".join(map(str, as_list(contrast["of"])))
        found.append(_comparison(suite, metric, contrast["against"], contrast, bool(settings["partial"])))
    return [comparison for comparison in found if comparison.difference]


def warnings(report: Facts) -> list[str]:
    """Sentences that must stand at the top."""
    suites = sorted(Facts.of(report["suites"]).items())
    found = [entry for _, suite in suites for entry in as_list(Facts.of(suite)["warnings"])]
    return [entry for entry in found if isinstance(entry, str)]


def _result(suite: str, metric: str, value: object, settings: Facts, group: str | None = None) -> Result:
    facts = Facts.of(value)
    facts["difference"] = Facts.of(facts["difference"])
    return Result(suite, metric, facts, whole_number(facts["n"], None if group else settings["n"]), settings, group)


def _comparison(
    suite: str, metric: str, against: object, difference: object, partial: bool, group: str | None = None
) -> Comparison:
    facts = Facts.of(difference)
    return Comparison(suite, metric, against, facts, whole_number(facts["n"]), partial, group)


def _verdict(difference: object) -> str | None:
    said = Facts.of(difference)["verdict"]
    return said if isinstance(said, str) else None
