"""Score a data set of the Hub and publish the scores.

    python examples/score_and_push.py you/notes you/notes-scored

The first argument is anything `distrust-hub score` reads: a Hub data set, a file, a folder. A public repo takes texts
only where their `license` column allows it; `scores_only=True` publishes the scores without the texts.
"""

from __future__ import annotations

import sys

from distrust_hub import score_dataset
from distrust_hub.hub.rows import iter_rows
from distrust_hub.hub.scored_datasets import push_scored

source, repo_id = sys.argv[1:]

summary = score_dataset(source, "scored.jsonl", evidence=True, overwrite=True)
for tier, documents in summary.tiers.items():
    print(f"{tier:<12} {documents:>4} documents, mean authority weight {summary.mean_authority_weight[tier]:.2f}")

result = push_scored("scored.jsonl", repo_id)
print(f"published {result.url}")

first = next(iter_rows(repo_id))  # streamed back, as anybody can read it
print(f"{first['id']}: {first['tier']}, {first['authority_weight']:.2f}, {first['provenance_entropy']:.2f} bits")
