"""Run suites on a base model and its adapters, on the same items, and keep every finished suite."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distrust_hub.adapters.verify import verify_adapter
from distrust_hub.artifacts import EvalReport
from distrust_hub.errors import ConfigError, InputNotFoundError
from distrust_hub.evaluation.benchmark import Benchmark, Outcome, PromptPreset, Request
from distrust_hub.evaluation.registry import find_benchmarks
from distrust_hub.evaluation.report import hash_of_items, is_same_run, open_report, suite_entry
from distrust_hub.evaluation.suite_scoring import NamedAdapter, SuiteScoring, file_name
from distrust_hub.files import write_json, write_jsonl

if TYPE_CHECKING:
    from distrust_hub.models.load import LoadedModel

logger = logging.getLogger(__name__)

PathLike = str | Path


@dataclass
class _Target:
    """One report to fill: the base alone, or an adapter on it."""

    adapter: NamedAdapter | None
    file: Path | None
    report: EvalReport


def evaluate(
    model: str | LoadedModel,
    suites: Sequence[str],
    *,
    adapter_paths: PathLike | Sequence[PathLike] | Mapping[str, PathLike] = (),
    against: PathLike | Mapping[str, PathLike] | None = None,
    data: PathLike | Mapping[str, PathLike] | None = None,
    limit: int | None = None,
    seed: int = 0,
    prompt: PromptPreset = "qa",
    output: PathLike | None = None,
    log_samples: bool = False,
    resume: bool = False,
    base_model_id: str | None = None,
) -> list[EvalReport]:
    """Measure a model, or adapters against their base on the same items.

    A suite is written to ``output`` as soon as it is done; what an unfinished one has scored stands beside it in
    ``partial_SUITE.jsonl``, so that an interruption costs one batch at most.

    Args:
        model: Hub id, folder, ``.gguf`` file, or a model already loaded (without adapter).
        suites: Names from ``registry.BENCHMARKS``.
        adapter_paths: An adapter folder, several, or {name to report: folder}. None measures the base alone.
        against: Folder of another adapter, or {name to report: folder}, usually plain LoRA on the same data; every
            metric of the adapters also gets its paired difference to this one's.
        data: File or folder for the one suite that takes data, or {suite: path}.
        limit: Only the first N items of each suite; the result is marked as partial.
        seed: Seed of generated items and of the bootstrap.
        prompt: How TruthfulQA is asked: ``qa`` (published six examples), ``chat`` (the question in the model's chat
            template) or ``qa-chat`` (examples and question in it).
        output: File to merge the suites into; with several adapters a folder that gets ``NAME/eval_results.json``.
        log_samples: Also write ``samples_SUITE.jsonl`` beside the output, one row an item.
        resume: Keep suites the output already holds with the same settings, and go on with an unfinished one.
        base_model_id: Hub id of a base that is a local file or folder.

    Returns:
        One report per adapter in the order given, or one for the base alone.

    Raises:
        ConfigError: For an unknown suite, an option that does not fit, or data nobody reads.
        EvaluationError: If a suite has no items or the model gives numbers that are not finite.
        AdapterError: If an adapter is broken or made for another base.
    """
    benchmarks = find_benchmarks(suites)
    if limit is not None and limit < 1:
        raise ConfigError(f"limit is {limit}; expected 1 or more")
    if log_samples and output is None:
        raise ConfigError("log_samples needs a place to write to; give an output file too")
    if resume and output is None:
        raise ConfigError("resume needs the output of the run to go on with; give an output file too")
    if prompt != "qa" and not any(benchmark.takes_prompt for benchmark in benchmarks):
        raise ConfigError(f"prompt is {prompt!r}, but no suite to run is asked in several ways; leave it out")
    adapters = [adapter_paths] if isinstance(adapter_paths, (str, Path)) else adapter_paths
    paths = _data_paths(data, benchmarks)
    requests = [Request(paths.get(benchmark.name), seed, prompt) for benchmark in benchmarks]
    prepared = [_items(benchmark, request, limit) for benchmark, request in zip(benchmarks, requests)]
    loaded = _load(model, base_model_id)
    names = [benchmark.name for benchmark in benchmarks]
    targets = _targets(loaded, adapters, Path(output) if output is not None else None, names)
    reference = _reference(against, targets, loaded)
    run = _Run(loaded, targets, reference, limit, resume, log_samples, _partial_folder(output, targets))
    for benchmark, request, (items, total) in zip(benchmarks, requests, prepared):
        run.measure(benchmark, request, items, total)
    return [target.report for target in targets]


@dataclass
class _Run:
    """What all suites of a call share.

    Attributes:
        reference: The adapter that all others are also compared with.
        partial_folder: Where the scores of an unfinished suite are kept; None keeps none.
    """

    loaded: LoadedModel
    targets: list[_Target]
    reference: NamedAdapter | None
    limit: int | None
    resume: bool
    log_samples: bool
    partial_folder: Path | None

    def measure(self, benchmark: Benchmark[Any], request: Request, items: Sequence[Any], total: int) -> None:
        """Score a suite's items, of ``total`` there are, for every target that lacks it; each is written at once."""
        items_sha256 = hash_of_items(items)
        waiting = [
            target
            for target in self.targets
            if not (self.resume and self._is_finished(target, benchmark, request, items_sha256))
        ]
        scoring = SuiteScoring(self.loaded, benchmark, items, request, self.partial_folder, self.resume)
        for target in self.targets:
            if target not in waiting:
                scoring.forget(target.adapter)
        if not waiting:
            scoring.forget(None)
            scoring.forget(self.reference)
            return
        for target, outcome, base, against in _outcomes(scoring, waiting, self.reference):
            target.report.suites[benchmark.name] = suite_entry(
                benchmark,
                request,
                outcome,
                n=len(items),
                limit=self.limit,
                total=total,
                base=base,
                against=against,
                sha256=self._identity(target),
                items_sha256=items_sha256,
            )
            _save(target, benchmark.name, outcome if self.log_samples else None)
        scoring.done()

    def _is_finished(self, target: _Target, benchmark: Benchmark[Any], request: Request, items_sha256: str) -> bool:
        if self.log_samples and target.file and not _samples_file(target.file, benchmark.name).exists():
            return False
        entry, against = target.report.suites.get(benchmark.name), self.reference.name if self.reference else None
        return is_same_run(entry, benchmark, request, self.limit, self._identity(target), against, items_sha256)

    def _identity(self, target: _Target) -> dict[str, str | None]:
        return _identity(self.loaded, target.adapter, self.reference)


def _data_paths(
    data: PathLike | Mapping[str, PathLike] | None, benchmarks: Sequence[Benchmark[Any]]
) -> dict[str, Path]:
    """Which suite reads which path; a single path goes to the one suite that takes data."""
    if data is None:
        return {}
    if isinstance(data, Mapping):
        stray = [name for name in data if name not in {benchmark.name for benchmark in benchmarks}]
        if stray:
            raise ConfigError(f"data is given for the suite {stray[0]!r}, which is not among the suites to run")
        deaf = [b.name for b in benchmarks if b.name in data and not (b.takes_data or b.takes_named_data)]
        if deaf:
            raise ConfigError(f"data is given for the suite {deaf[0]!r}, which brings its own; leave it out")
        paths = {name: Path(path) for name, path in data.items()}
    else:
        takers = [benchmark.name for benchmark in benchmarks if benchmark.takes_data]
        if len(takers) != 1:
            problem = "no suite to run takes data" if not takers else f"{' and '.join(takers)} both take data"
            raise ConfigError(f"{problem}; say which is meant, as SUITE=PATH")
        paths = {takers[0]: Path(data)}
    for path in paths.values():
        if not path.exists():
            raise InputNotFoundError(f"{path}: no such file or folder")
    return paths


def _items(benchmark: Benchmark[Any], request: Request, limit: int | None) -> tuple[list[Any], int]:
    """The items to measure, and how many there are in all."""
    items = benchmark.load(request)
    return items[:limit], len(items)


def _load(model: str | LoadedModel, base_model_id: str | None) -> LoadedModel:
    if not isinstance(model, str):
        return model
    from distrust_hub.models.load import load_base
    from distrust_hub.models.resolve import resolve_base

    return load_base(resolve_base(model, base_model_id=base_model_id))


def _targets(
    loaded: LoadedModel,
    adapters: Sequence[PathLike] | Mapping[str, PathLike],
    output: Path | None,
    suites: Sequence[str],
) -> list[_Target]:
    named = _named(adapters)
    if len(named) < len(adapters):
        raise ConfigError("two adapter folders have the same name; rename one or give {name: folder}")
    base = loaded.base
    targets = []
    adapters_or_base: list[NamedAdapter | None] = [_adapter(name, path, loaded) for name, path in named.items()]
    for adapter in adapters_or_base or [None]:
        name = adapter.name if adapter else None
        file = _output_file(output, name if len(named) > 1 else None)
        report = open_report(
            file, base.id or base.path.name, base.revision, name, _identity(loaded, adapter), replaced=suites
        )
        targets.append(_Target(adapter, file, report))
    return targets


def _named(adapters: Sequence[PathLike] | Mapping[str, PathLike]) -> Mapping[str, PathLike]:
    return adapters if isinstance(adapters, Mapping) else {Path(path).resolve().name: path for path in adapters}


def _adapter(name: str, folder: PathLike, loaded: LoadedModel) -> NamedAdapter:
    found = verify_adapter(folder, loaded.base)
    config = found.config
    decides = [config.scale, config.rank, config.fine_tune_type, config.num_layers, config.keys]
    return NamedAdapter(name, Path(folder), found.sha256, hashlib.sha256(json.dumps(decides).encode()).hexdigest())


def _identity(
    loaded: LoadedModel, adapter: NamedAdapter | None, against: NamedAdapter | None = None
) -> dict[str, str | None]:
    """SHA-256 of all weights that decide a suite's numbers, and of what adapters' configs make of theirs."""
    return {
        "base": loaded.base.sha256,
        "adapter": adapter.sha256 if adapter else None,
        "adapter_config": adapter.config_sha256 if adapter else None,
        "against": against.sha256 if against else None,
        "against_config": against.config_sha256 if against else None,
    }


def _output_file(output: Path | None, adapter: str | None) -> Path | None:
    if output is None:
        return None
    if adapter is not None:
        if output.is_file():
            raise ConfigError(f"{output} is a file; several adapters need a folder to write to")
        return output / file_name(adapter) / EvalReport.FILE_NAME
    return output / EvalReport.FILE_NAME if output.is_dir() else output


def _partial_folder(output: PathLike | None, targets: Sequence[_Target]) -> Path | None:
    """Beside the one report, or in the folder that holds several."""
    if output is None or targets[0].file is None:
        return None
    return targets[0].file.parent if len(targets) == 1 else Path(output)


def _reference(
    against: PathLike | Mapping[str, PathLike] | None, targets: Sequence[_Target], loaded: LoadedModel
) -> NamedAdapter | None:
    """The adapter that all others are also compared with."""
    if against is None:
        return None
    name, folder = next(iter(_named(against if isinstance(against, Mapping) else [against]).items()))
    for target in targets:
        if target.adapter is None:
            raise ConfigError("against names an adapter to compare with, but there is no adapter to measure")
        if target.adapter.folder.resolve() == Path(folder).resolve():
            raise ConfigError(f"{folder}: is measured and named with against too; compare with another adapter")
        if target.adapter.name == name:
            raise ConfigError(
                f"the adapter to measure and the one to compare with are both named {name!r}; rename a folder"
            )
    return _adapter(name, folder, loaded)


def _outcomes(
    scoring: SuiteScoring, targets: Sequence[_Target], reference: NamedAdapter | None
) -> Iterator[tuple[_Target, Outcome, Outcome | None, tuple[str, Outcome] | None]]:
    """Score the base and the reference once and every adapter after them, all on the same items."""
    base = scoring.base()
    other = (reference.name, scoring.adapter(reference)) if reference else None
    for target in targets:
        if target.adapter is None:
            yield target, base, None, None
        else:
            yield target, scoring.adapter(target.adapter), base, other


def _save(target: _Target, suite: str, samples: Outcome | None) -> None:
    if target.file is None:
        return
    write_json(target.file, target.report.to_json())
    if samples is not None:
        write_jsonl(_samples_file(target.file, suite), samples.samples)


def _samples_file(report: Path, suite: str) -> Path:
    return report.parent / f"samples_{suite}.jsonl"
