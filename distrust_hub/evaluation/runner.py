"""Run suites on a base model and its adapters, on the same items, and keep every finished suite."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distrust_hub.adapters.verify import verify_adapter
from distrust_hub.artifacts import EvalReport
from distrust_hub.errors import ConfigError, EvaluationError, InputNotFoundError
from distrust_hub.evaluation.benchmark import Benchmark, Outcome, PromptPreset, Request
from distrust_hub.evaluation.registry import find_benchmarks
from distrust_hub.evaluation.report import is_same_run, open_report, suite_entry
from distrust_hub.files import write_json, write_jsonl

if TYPE_CHECKING:
    from distrust_hub.models.load import LoadedModel

logger = logging.getLogger(__name__)

PathLike = str | Path


@dataclass
class _Target:
    """One report to fill: the base alone, or an adapter on it."""

    adapter: str | None
    folder: Path | None
    file: Path | None
    report: EvalReport


def evaluate(
    model: str | LoadedModel,
    suites: Sequence[str],
    *,
    adapter_paths: Sequence[PathLike] | Mapping[str, PathLike] = (),
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

    A suite is written to ``output`` as soon as it is done, so an interruption costs one suite at most.

    Args:
        model: Hub id, folder, ``.gguf`` file, or a model already loaded (without adapter).
        suites: Names from ``registry.BENCHMARKS``.
        adapter_paths: Adapter folders, or {name to report: folder}. None measures the base alone.
        data: File or folder for the one suite that takes data, or {suite: path}.
        limit: Only the first N items of each suite; the result is marked as partial.
        seed: Seed of generated items and of the bootstrap.
        prompt: How TruthfulQA is asked: ``qa`` (published six examples) or ``chat`` (the model's template).
        output: File to merge the suites into; with several adapters a folder that gets ``NAME/eval_results.json``.
        log_samples: Also write ``samples_SUITE.jsonl`` beside the output, one row an item.
        resume: Keep suites the output already holds with the same settings.
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
    paths = _data_paths(data, benchmarks)
    requests = [Request(paths.get(benchmark.name), seed, prompt) for benchmark in benchmarks]
    prepared = [_items(benchmark, request, limit) for benchmark, request in zip(benchmarks, requests)]
    loaded = _load(model, base_model_id)
    targets = _targets(loaded, adapter_paths, Path(output) if output is not None else None)
    for benchmark, request, (items, total) in zip(benchmarks, requests, prepared):
        waiting = [
            target
            for target in targets
            if not (resume and is_same_run(target.report.suites.get(benchmark.name), benchmark, request, limit))
        ]
        for target, outcome, base in _outcomes(loaded, waiting, benchmark, items, request):
            target.report.suites[benchmark.name] = suite_entry(
                benchmark, request, outcome, n=len(items), limit=limit, total=total, base=base
            )
            _save(target, benchmark.name, outcome if log_samples else None)
    return [target.report for target in targets]


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
    loaded: LoadedModel, adapters: Sequence[PathLike] | Mapping[str, PathLike], output: Path | None
) -> list[_Target]:
    named = adapters if isinstance(adapters, Mapping) else {Path(path).resolve().name: path for path in adapters}
    if len(named) < len(adapters):
        raise ConfigError("two adapter folders have the same name; rename one or give {name: folder}")
    wanted: list[tuple[str | None, Path | None]] = [(name, Path(path)) for name, path in named.items()]
    base = loaded.base
    targets = []
    for adapter, folder in wanted or [(None, None)]:
        if folder is not None:
            verify_adapter(folder, base)
        file = _output_file(output, adapter if len(wanted) > 1 else None)
        report = open_report(file, base.id or base.path.name, base.revision, adapter)
        targets.append(_Target(adapter, folder, file, report))
    return targets


def _output_file(output: Path | None, adapter: str | None) -> Path | None:
    if output is None:
        return None
    if adapter is not None:
        if output.is_file():
            raise ConfigError(f"{output} is a file; several adapters need a folder to write to")
        return output / adapter.replace("/", "--") / EvalReport.FILE_NAME
    return output / EvalReport.FILE_NAME if output.is_dir() else output


def _outcomes(
    loaded: LoadedModel, targets: Sequence[_Target], benchmark: Benchmark[Any], items: Sequence[Any], request: Request
) -> Iterator[tuple[_Target, Outcome, Outcome | None]]:
    """Score the base once and every adapter after it, all on the same items."""
    from distrust_hub.evaluation.mlx_backend import MLXScorer

    if not targets:
        return
    scorer = MLXScorer(loaded)
    base = benchmark.score(scorer, items, request)
    for target in targets:
        if target.folder is None:
            yield target, base, None
            continue
        from distrust_hub.adapters.load import apply_adapter, remove_adapter

        apply_adapter(loaded, target.folder)
        try:
            outcome = benchmark.score(scorer, items, request)
        except EvaluationError as error:
            raise EvaluationError(f"{target.adapter} on {benchmark.name}: {error}") from error
        finally:
            remove_adapter(loaded)
        yield target, outcome, base


def _save(target: _Target, suite: str, samples: Outcome | None) -> None:
    if target.file is None:
        return
    write_json(target.file, target.report.to_json())
    if samples is not None:
        write_jsonl(target.file.parent / f"samples_{suite}.jsonl", samples.samples)
