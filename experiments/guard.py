"""Compare TruthfulQA of `reweight` with plain LoRA's, on questions drawn with seed 0, with the study's adapters.

    python experiments/study.py --adapters DIR ...       leaves DIR/PROTOCOL/ARM-seedN
    python experiments/guard.py DIR --data QUESTIONS.jsonl [--protocol 3-cue] [--seed 0] [--questions 817]

Writes ``experiments/results/PROTOCOL/truthfulqa_seedN.json`` (``..._seedN-QUESTIONS.json`` for another number of
questions than the protocol's), which ``experiments/report.py`` reads. Run it again to go on after an interruption.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from study import RESULTS, read_protocols

from distrust_hub.evaluation.runner import evaluate
from distrust_hub.files import iter_jsonl, write_jsonl
from distrust_hub.models.registry import default_model

ARMS = ("reweight", "none")
"""Measured, and compared with."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapters", type=Path, help="folder given to study.py as --adapters")
    parser.add_argument("--data", type=Path, required=True, help="TruthfulQA, one question a line")
    measured = [
        name for name, protocol in read_protocols().items() if "truthfulqa_questions" in protocol.get("margins", {})
    ]
    parser.add_argument("--protocol", choices=measured, default=measured[-1])
    parser.add_argument("--seed", type=int, default=0, help="of the run whose adapters are measured (default: 0)")
    parser.add_argument("--questions", type=int, metavar="N", help="how many (default: the protocol's number)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    args = parser.parse_args()
    fixed = read_protocols()[args.protocol]["margins"]["truthfulqa_questions"]
    count = args.questions or fixed
    drawn = args.adapters / f"truthfulqa-{count}.jsonl"
    write_jsonl(drawn, draw(args.data, count))
    arm, plain = (args.adapters / args.protocol / f"{name}-seed{args.seed}" for name in ARMS)
    of_all = "" if count == fixed else f"-{count}"
    output = args.results / args.protocol / f"truthfulqa_seed{args.seed}{of_all}.json"
    evaluate(
        default_model(), ["truthfulqa"], adapter_paths=[arm], against=plain, data=drawn, output=output, resume=True
    )


def draw(data: Path, count: int, seed: int = 0) -> list[dict[str, object]]:
    """``count`` questions in the order of the data."""
    rows = [row for _, row in iter_jsonl(data)]
    return [rows[index] for index in sorted(random.Random(seed).sample(range(len(rows)), count))]


if __name__ == "__main__":
    main()
