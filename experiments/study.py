"""Run the source-preference study: one small JSON a run, skipped when it is there.

    python experiments/study.py                          every run of the protocols not stopped that has no result yet
    python experiments/study.py --protocol 1-first       this one only, also if it was stopped
    python experiments/study.py --arms none --seeds 0    some of the runs
    python experiments/study.py --list                   what is done

Protocols are in ``experiments/protocols``, results in ``experiments/results``; ``experiments/report.py`` makes tables
and plots of them.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from safetensors.numpy import load_file

import distrust_hub
from distrust_hub.adapters.fuse import fuse_adapter
from distrust_hub.adapters.load import apply_adapter, remove_adapter
from distrust_hub.artifacts import ADAPTER_CONFIG_FILE, ADAPTER_FILE, TRAIN_FILE, VALID_FILE, TrainingRun
from distrust_hub.evaluation.mlx_backend import MLXScorer
from distrust_hub.evaluation.source_preference import (
    SIDES,
    Conflict,
    Form,
    make_conflicts,
    trained_conflict,
    trained_recall,
    training_rows,
)
from distrust_hub.files import iter_jsonl, write_json, write_jsonl
from distrust_hub.models.load import LoadedModel, load_base
from distrust_hub.models.registry import default_model
from distrust_hub.models.resolve import resolve_base
from distrust_hub.sample import sample_corpus_path
from distrust_hub.scoring.document import score_document
from distrust_hub.training.objectives import CONDITION_TEMPLATE
from distrust_hub.training.trainer import train

HERE = Path(__file__).parent
RESULTS = HERE / "results"
SCORES = ("authority_weight", "provenance_entropy", "tier")
CODE = ("training", "objective.py", "scoring", "evaluation/source_preference.py", "evaluation/invented.py")
"""Parts of the package that decide a result; their hash is stored with it."""

UNSEEN_SEED = 1000
"""Added to the seed for the entities of a second phase."""

PROMPT = "A record:\n"
"""What `preference` completes: it needs a prompt, and a document has none."""

Row = dict[str, Any]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", nargs="*", help="only these arms")
    parser.add_argument("--seeds", nargs="*", type=int, help="only these seeds")
    parser.add_argument("--protocol", choices=sorted(read_protocols()), help="only this one")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--adapters", type=Path, help="keep the trained adapters here")
    parser.add_argument("--list", action="store_true", help="say what is done and exit")
    args = parser.parse_args()
    for name, protocol in read_protocols().items():
        if name != args.protocol and (args.protocol or "stopped" in protocol):
            continue
        for arm, seed in planned(protocol, args.arms, args.seeds):
            file = args.results / name / f"{arm}-seed{seed}.json"
            if args.list or file.exists():
                print(f"{name}/{file.name}: {'done' if file.exists() else 'to do'}", flush=True)
                continue
            started = time.monotonic()
            keep = args.adapters / name if args.adapters else None
            write_json(file, run(protocol, arm, seed, keep))
            print(f"{name}/{file.name}: written after {time.monotonic() - started:.0f} s", flush=True)


def read_protocols() -> dict[str, dict[str, Any]]:
    """Name and settings of every protocol, in order."""
    files = sorted((HERE / "protocols").glob("*.yaml"))
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


def planned(
    protocol: dict[str, Any], arms: list[str] | None = None, seeds: list[int] | None = None
) -> list[tuple[str, int]]:
    """Arm and seed of every run in the protocol's order, or of those selected."""
    runs = [(arm, seed) for block in protocol["order"] for seed in block["seeds"] for arm in block["arms"]]
    return [(arm, seed) for arm, seed in runs if (not arms or arm in arms) and (seeds is None or seed in seeds)]


def run(protocol: dict[str, Any], arm: str, seed: int, keep: Path | None = None) -> dict[str, Any]:
    """Train one arm and ask about every entity after each epoch.

    Args:
        protocol: The settings.
        arm: One of ``protocol["arms"]``.
        seed: Seed of entities, documents, initialisation and order; arms share all of these.
        keep: Folder for the trained adapter.
    """
    settings = dict(protocol["arms"][arm])
    scores, first_arm = settings.pop("scores", None), settings.pop("after", None)
    conflicts = make_conflicts(protocol["data"]["entities"], seed + (UNSEEN_SEED if first_arm else 0))
    rows = scored_rows(conflicts, seed, protocol["data"]["documents_per_side"], scores)
    with tempfile.TemporaryDirectory() as folder:
        base = trained_base(protocol, first_arm, seed, Path(folder), keep) if first_arm else default_model()
        data, adapter = Path(folder, "data"), Path(folder, "adapter")
        rows = pairs(rows) if settings["objective"] == "preference" else rows
        write_jsonl(data / TRAIN_FILE, rows + sample_rows(protocol["data"].get("sample_words", 0)))
        write_jsonl(data / VALID_FILE, held_out_rows(protocol["data"]["held_out_words"]))
        trained, epochs = train_by_epoch(base, data, adapter, {**protocol["training"], **settings, "seed": seed})
        asked = {**ASKED, **ASKED_WITH_TAG} if settings["objective"] == "conditional" else ASKED
        deltas = ask_after_each_epoch(base, epochs, conflicts, bool(seed % 2), asked)
        if keep:
            shutil.copytree(epochs[-1], keep / f"{arm}-seed{seed}", dirs_exist_ok=True)
    return {"arm": arm, "seed": seed, "settings": protocol["training"] | settings, **facts(trained), "deltas": deltas}


def trained_base(protocol: dict[str, Any], arm: str, seed: int, folder: Path, keep: Path | None) -> str:
    """The base with an arm's adapter fused into it, for a second phase on entities it has not seen."""
    adapters = keep or folder
    adapter = adapters / f"{arm}-seed{seed}"
    if not adapter.is_dir():
        run(protocol, arm, seed, adapters)
    return str(fuse_adapter(adapter, default_model(), folder / "fused"))


ASKED: dict[str, tuple[str, Form]] = {"": ("", "cue"), " (question)": ("", "question")}
"""Ways to ask: added to ``trained`` in a result, with what stands before the prompt, and its form."""

ASKED_WITH_TAG: dict[str, tuple[str, Form]] = {
    f" asked as {tier}": (CONDITION_TEMPLATE.format(tier=tier), "cue") for tier in SIDES
}
"""A conditional adapter is also asked with either side's tag."""


def scored_rows(conflicts: list[Conflict], seed: int, documents_per_side: int, scores: str | None) -> list[Row]:
    """Documents of both sides with their scores as they are, exchanged between the sides, or permuted."""
    rows = training_rows(conflicts, swap=bool(seed % 2), documents_per_side=documents_per_side, seed=seed)
    for row in rows:
        row.update(score_document(row["text"], row).columns())
    columns = [{name: row[name] for name in SCORES} for row in rows]
    if scores == "shuffled":
        random.Random(f"shuffled {seed}").shuffle(columns)
    elif scores == "inverted":
        place = {row["id"]: index for index, row in enumerate(rows)}
        columns = [columns[place[_other_side(row["id"])]] for row in rows]
    return [{**row, **given} for row, given in zip(rows, columns)]


def _other_side(row_id: str) -> str:
    primary, coordinated = (f"-{side}-" for side in SIDES)
    return row_id.replace(primary, coordinated) if primary in row_id else row_id.replace(coordinated, primary)


def pairs(rows: list[Row]) -> list[Row]:
    """The primary document over the coordinated one of the same entity, as the objective ``preference`` wants them."""
    text = {row["id"]: row["text"] for row in rows}
    return [
        {"id": row["id"], "prompt": PROMPT, "chosen": row["text"], "rejected": text[_other_side(row["id"])]}
        for row in rows
        if row["side"] == SIDES[0]
    ]


def held_out_rows(words: int) -> list[Row]:
    """The start of the first document of each source type in the sample corpus, for every objective."""
    found = []
    for row in first_of_each_type():
        start = " ".join(row["text"].split()[:words])
        pair = {"prompt": PROMPT, "chosen": start, "rejected": start}  # what `preference` reads
        found.append({"id": row["id"], "text": start, **pair})
    return found


def sample_rows(words: int) -> list[Row]:
    """The other documents of the sample corpus with their own scores, in pieces of so many words; 0 for none."""
    held_out = {row["id"] for row in first_of_each_type()}
    found: list[Row] = []
    for _, row in iter_jsonl(sample_corpus_path()) if words else ():
        if row["id"] not in held_out:
            scores = score_document(row["text"], row).columns()
            all_words = row["text"].split()
            for start in range(0, len(all_words), words):
                piece = " ".join(all_words[start : start + words])
                found.append({**row, **scores, "id": f"{row['id']}-{start}", "text": piece})
    return found


def first_of_each_type() -> list[Row]:
    """The first document of each source type in the sample corpus."""
    first: dict[str, Row] = {}
    for _, row in iter_jsonl(sample_corpus_path()):
        first.setdefault(row["source_type"], row)
    return list(first.values())


def train_by_epoch(base: str, data: Path, adapter: Path, settings: dict[str, Any]) -> tuple[TrainingRun, list[Path]]:
    """Train with the package's trainer, and make an adapter folder of the checkpoint at the end of every epoch."""
    n_rows = sum(1 for _ in iter_jsonl(data / TRAIN_FILE))
    steps = -(-n_rows // settings["batch_size"])
    epochs = settings["epochs"]
    trained = train(
        model=base, data=str(data), adapter_path=str(adapter), save_every=steps, keep_last=epochs, **settings
    )
    if trained.steps["total"] != steps * epochs:
        raise SystemExit(f"{trained.steps['total']} steps for {epochs} epochs of {steps}; a document was split")
    folders = []
    for epoch in range(1, epochs + 1):
        folder = adapter.parent / f"epoch-{epoch}"
        folder.mkdir()
        shutil.copy(adapter / ADAPTER_CONFIG_FILE, folder)
        shutil.copy(
            adapter / "checkpoints" / f"step-{epoch * steps:06d}" / "adapter.safetensors", folder / ADAPTER_FILE
        )
        folders.append(folder)
    if content_hash(folders[-1]) != content_hash(adapter):
        raise SystemExit("the last epoch's checkpoint is not the adapter that was saved")
    return trained, folders


def content_hash(folder: Path) -> str:
    """SHA-256 of an adapter's names and values, whatever their order in the file."""
    tensors = load_file(folder / ADAPTER_FILE)
    return hashlib.sha256(b"".join(name.encode() + tensors[name].tobytes() for name in sorted(tensors))).hexdigest()


def ask_after_each_epoch(
    base: str, epochs: list[Path], conflicts: list[Conflict], swap: bool, asked: dict[str, tuple[str, Form]]
) -> dict[str, Any]:
    """{name of the question: {"0": deltas before training, "1": after epoch 1, ...}}, in nats, entity by entity."""
    loaded: LoadedModel = load_base(resolve_base(base))
    scorer = MLXScorer(loaded, progress=False)
    found: dict[str, Any] = {f"trained{name}": {} for name in asked}
    for epoch, folder in enumerate([None, *epochs]):
        if folder is not None:
            apply_adapter(loaded, folder)
        for name, (tag, form) in asked.items():
            scores = trained_conflict(scorer, conflicts, swap=swap, prefix=tag, form=form)
            found[f"trained{name}"][str(epoch)] = {
                "summed": _rounded(scores.delta),
                "per_token": _rounded(scores.delta_per_token),
                "recall": _rounded(trained_recall(scorer, conflicts, prefix=tag, form=form)),
            }
    remove_adapter(loaded)
    return found


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(float(value), 4) for value in values]


def facts(trained: TrainingRun) -> dict[str, Any]:
    """What identifies a run and what it cost."""
    return {
        "adapter_sha256": trained.adapter["sha256"],
        "data_sha256": trained.data["sha256"],
        "objective": trained.objective,
        "weights": trained.weights,
        "loss": trained.loss,
        "performance": trained.performance,
        "versions": trained.versions,
        "base_model_sha256": trained.base_model["sha256"],
        "chip": trained.hardware["chip"],
        "code_sha256": code_hash(),
    }


def code_hash() -> str:
    """SHA-256 over the modules that decide a result."""
    package = Path(distrust_hub.__file__).parent
    files = [file for part in CODE for file in sorted((package / part).rglob("*.py")) or [package / part]]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


if __name__ == "__main__":
    main()
