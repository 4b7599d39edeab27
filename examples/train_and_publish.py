"""Train an adapter on your notes and publish it.

    python examples/train_and_publish.py notes/ you/my-adapter

`notes/` holds .jsonl, .csv, .parquet, .txt or .md files. Twenty short steps, to see it work: for a real adapter leave
out `iters`, `num_layers` and `max_seq_length`, and one pass over all notes is made.
"""

from __future__ import annotations

import sys

from distrust_hub import push_adapter, score_dataset, train
from distrust_hub.cards.render import write_card
from distrust_hub.hub.client import check_can_write
from distrust_hub.preparation.export import prepare

notes, repo_id = sys.argv[1:]

check_can_write(repo_id)  # token, role and owner, before anything takes time; nothing is created
score_dataset(notes, "scored.jsonl", overwrite=True)
prepare(["scored.jsonl"], "data", overwrite=True)
run = train(
    model="HuggingFaceTB/SmolLM2-135M-Instruct",
    data="data",
    adapter_path="adapter",
    iters=20,
    num_layers=4,
    max_seq_length=128,
    learning_rate=1e-3,
    overwrite=True,
)
print(f"held-out loss {run.loss['valid_before']:.3f} -> {run.loss['valid_after']:.3f} nats per token")
for tier, counted in run.weights["by_tier"].items():
    print(f"{tier:<12} {counted['rows']:>4} rows, mean training weight {counted['mean_weight']:.2f}")

write_card("adapter", repo_id=repo_id)
result = push_adapter("adapter", repo_id)
print(f"published {len(result.files)} files: {result.url}")
