"""Every input through every check: read, clean, compare, cap, score. What is left out is counted by reason."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from distrust_hub.config import PrepareConfig
from distrust_hub.errors import DataError, UsageError
from distrust_hub.files import sha256_file
from distrust_hub.objective import signed_core
from distrust_hub.preparation.balance import cap_inputs, parse_shares
from distrust_hub.preparation.cleaning import Cleaner, asked_in_pairs
from distrust_hub.preparation.contamination import (
    HELD_OUT,
    TRUTHFULQA,
    EvaluationSet,
    evaluation_set,
    truthfulqa,
    word_hashes,
)
from distrust_hub.preparation.conversations import compared_text, own_text, prompts_of
from distrust_hub.preparation.dedup import text_fingerprint
from distrust_hub.preparation.fetch import Fetched, fetch_inputs
from distrust_hub.preparation.load import InputRecord, read_documents
from distrust_hub.preparation.near_duplicates import NearDuplicates
from distrust_hub.preparation.specs import InputSpec, evaluation_spec
from distrust_hub.schema import Document, ScoredDocument
from distrust_hub.scoring.document import tier_of
from distrust_hub.scoring.inputs import InputRow, iter_source, source_files
from distrust_hub.scoring.rows import scored_row

logger = logging.getLogger(__name__)


@dataclass
class Collected:
    """What is left of the inputs, and the account of the rest.

    Attributes:
        documents: Scored documents to use, in the order of the inputs; their ids are unique.
        input_of: {document id: number of its record}.
        last_number: {document id: number behind the last document that was renamed because of it}.
        records: One per input that could be read.
        read: Documents looked at: rows, and pieces of split ones.
        removed: {reason: documents}; ``read == len(documents) + sum of removed``.
        changed: What cleaning changed, see ``cleaning.Cleaner``; also ``renamed_ids``.
        evaluation_sets: What was compared with, with their counts.
        failed: ``name`` and ``problem`` of each input that could not be read.
    """

    documents: list[ScoredDocument] = field(default_factory=list)
    input_of: dict[str, int] = field(default_factory=dict)
    last_number: dict[str, int] = field(default_factory=dict)
    records: list[InputRecord] = field(default_factory=list)
    read: int = 0
    removed: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    evaluation_sets: list[EvaluationSet] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)


def collect(
    specs: Sequence[InputSpec],
    config: PrepareConfig,
    work: Path,
    *,
    against: Sequence[str | InputSpec] = (),
    strict: bool = False,
) -> Collected:
    """Read all inputs and take them through the checks, in the order of ``cleaning.REASONS``.

    Args:
        specs: Inputs.
        config: Which checks, and how strict.
        work: Working folder for the rows of Hub datasets.
        against: Evaluation data: files, folders or Hub datasets, of which every split is read unless one is named.
        strict: Stop where a Hub dataset cannot be read, instead of going on without it.

    Raises:
        InputNotFoundError: If a file is missing.
        ConfigError: If ``languages`` or ``tier_shares`` is not of its form; nothing was read then.
        UsageError: If there is evaluation data and ``config`` turns the comparison off.
        DataError: If a row cannot be used, or rows bring scores of different scorers.
        HubError: If evaluation data, no input at all, or with ``strict`` any input cannot be read.
    """
    if against and not config.contamination:
        raise UsageError("--against is given with --no-contamination, which compares with nothing; drop one of them")
    if config.tier_shares is not None:
        parse_shares(config.tier_shares)  # refused before anything is read, as the cleaner refuses languages
    result = Collected()
    cleaner = Cleaner(config, result.changed)
    fetched, result.failed = fetch_inputs(specs, work, strict=strict)
    if config.contamination:
        result.evaluation_sets = [truthfulqa(), *_evaluation_sets(against, work, config)]
    seen: set[bytes] = set()
    documents: list[Document] = []
    readable = {index: spec for index, spec in enumerate(specs) if index in fetched or not spec.on_hub}
    for index, spec in readable.items():
        documents += _read_input(spec, fetched.get(index), cleaner, seen, result)
    if config.near_duplicates:
        documents = _without_near_duplicates(documents, result)
    limits = ((spec.cap, config.max_per_source) for spec in readable.values())
    caps = [min((limit for limit in both if limit), default=None) for both in limits]
    kept = cap_inputs([(document.id, result.input_of[document.id]) for document in documents], caps, config.seed)
    result.removed["source_cap"] += len(documents) - len(kept)
    documents = [document for document in documents if document.id in kept]
    result.documents = list(_score(documents, result))
    _check_one_scorer(result.documents)
    return result


def _evaluation_sets(against: Sequence[str | InputSpec], work: Path, config: PrepareConfig) -> Iterator[EvaluationSet]:
    specs = [evaluation_spec(entry) for entry in against]
    fetched, _ = fetch_inputs(specs, work, strict=True)
    names = {TRUTHFULQA, HELD_OUT}
    for index, spec in enumerate(specs):
        here = fetched.get(index)
        text_column = spec.text or config.text_column
        bad: list[InputRow] = []
        rows = _good_rows(iter_source(here.path if here else spec.source, text_column=text_column), bad, config)
        found = evaluation_set(_unused(spec.name, names), rows, text_column)
        names.add(found.name)
        hashes = [sha256_file(file) for file in source_files(spec.source) or []]
        found.source = {"revision": here.revision} if here else {"sha256": hashes}
        if bad:
            found.source["bad_rows"] = len(bad)
        if not found.sequences:
            raise DataError("no text to compare with; expected rows with 'question' or a text", path=spec.source)
        yield found


def _good_rows(items: Iterable[InputRow], bad: list[InputRow], config: PrepareConfig) -> Iterator[dict[str, Any]]:
    """Rows that can be read; the others are collected, or raised with ``on_error="stop"``."""
    for item in items:
        if item.row is not None:
            yield item.row
            continue
        error = DataError(item.problem or "", path=item.path, line=item.line)
        if config.on_error == "stop":
            raise error
        bad.append(item)
        logger.warning("not compared with: %s", error)


def _unused(name: str, taken: Container[str]) -> str:
    """The name, with a number behind it where it is taken."""
    numbered = (f"{name}~{number}" for number in itertools.count(2))
    return next(entry for entry in itertools.chain([name], numbered) if entry not in taken)


def _read_input(
    spec: InputSpec, fetched: Fetched | None, cleaner: Cleaner, seen: set[bytes], result: Collected
) -> Iterator[Document]:
    """Documents of one input that pass the checks made one by one."""
    record, rows = read_documents(spec, cleaner.config, fetched)
    number = len(result.records)
    result.records.append(record)
    for row in tqdm(rows, desc=record.name, unit="row", disable=None, leave=False):
        found = row if isinstance(row, str) else cleaner.clean(row)
        pieces = [found] if isinstance(found, str) else found
        for piece in pieces:
            result.read += 1
            reason = piece if isinstance(piece, str) else _known(piece, seen, result.evaluation_sets, cleaner.config)
            if reason:
                result.removed[reason] += 1
            elif isinstance(piece, Document):
                document = _with_own_id(piece, result)
                result.input_of[document.id] = number
                yield document


def _known(
    document: Document, seen: set[bytes], evaluation_sets: Iterable[EvaluationSet], config: PrepareConfig
) -> str | None:
    """Whether the text came before, or is from evaluation data; ``seen`` holds the fingerprints before it."""
    text = compared_text(document.metadata, document.text)
    fingerprint = text_fingerprint(text)
    if fingerprint in seen:
        return "duplicate"
    seen.add(fingerprint)
    words = word_hashes(f"{text}\n\n{asked_in_pairs(document.metadata, config)}")
    overlapping = [known for known in evaluation_sets if known.overlaps(words)]
    return "contamination" if overlapping else None


def _with_own_id(document: Document, result: Collected) -> Document:
    """The document, renamed if another one has its id."""
    if document.id not in result.input_of:
        return document
    result.changed["renamed_ids"] += 1
    number = result.last_number.get(document.id, 1) + 1
    while f"{document.id}~{number}" in result.input_of:
        number += 1
    result.last_number[document.id] = number
    return dataclasses.replace(document, id=f"{document.id}~{number}")


def _without_near_duplicates(documents: list[Document], result: Collected) -> list[Document]:
    finder = NearDuplicates()
    prompts = Counter(prompt for document in documents for prompt in prompts_of(document.metadata))
    shared = {prompt for prompt, count in prompts.items() if count > 1}
    for document in tqdm(documents, desc="near duplicates", unit="row", disable=None, leave=False):
        finder.add(own_text(document.metadata, document.text, shared))
    repeats = finder.find()
    result.removed["near_duplicate"] += len(repeats)
    return [document for number, document in enumerate(documents) if number not in repeats]


def _score(documents: Iterable[Document], result: Collected) -> Iterator[ScoredDocument]:
    """Each document with the scores it brings, else with those of its text as it is now."""
    for document in tqdm(documents, desc="scoring", unit="row", disable=None, leave=False):
        if "authority_weight" not in document.metadata:
            result.records[result.input_of[document.id]].scored_here += 1
            yield ScoredDocument.from_row(scored_row(document))
            continue
        scored = ScoredDocument.from_row({**document.metadata, "id": document.id, "text": document.text})
        core = signed_core(scored.authority_weight, scored.provenance_entropy)
        yield dataclasses.replace(scored, metadata={**scored.metadata, "tier": tier_of(core)})


def _check_one_scorer(documents: Sequence[ScoredDocument]) -> None:
    versions = sorted({str(document.metadata.get("scorer")) for document in documents})
    if len(versions) > 1:
        raise DataError(f"rows were scored by different scorer versions ({', '.join(versions)}); add --rescore")
