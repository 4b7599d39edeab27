"""Preference pairs and chats through the preparation, and into training."""

from __future__ import annotations

import json

import pytest

from distrust_hub.config import PrepareConfig
from distrust_hub.errors import DataError
from distrust_hub.files import iter_jsonl, write_jsonl
from distrust_hub.preparation.export import prepare

QUESTION = "Which river did the party cross on the ninth of March?"


def pair(number=0, **more):
    prompt = f"{number}. {QUESTION}"
    chosen = f"I crossed the Orrin myself that day, ford number {number}."
    return {"prompt": prompt, "chosen": chosen, "rejected": "It is widely held to be the Tay.", **more}


def chat(number=0):
    return {
        "messages": [
            {"role": "user", "content": f"{number}. {QUESTION}"},
            {"role": "assistant", "content": f"By my own notebook it was the Orrin, on page {number}."},
        ]
    }


def run(tmp_path, rows, **options):
    write_jsonl(tmp_path / "in.jsonl", rows)
    settings = PrepareConfig(**{"valid_share": 0.0, **options})
    manifest = prepare([str(tmp_path / "in.jsonl")], tmp_path / "out", settings)
    return manifest, [row for _, row in iter_jsonl(tmp_path / "out" / "train.jsonl")]


def messages(prompt, answer):
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]


def test_pairs_and_chats_keep_their_columns_and_get_scores(tmp_path):
    manifest, rows = run(tmp_path, [pair(1), chat(2)])
    assert {name: rows[0][name] for name in ("prompt", "chosen", "rejected")} == pair(1)
    assert rows[0]["text"] == f"{pair(1)['prompt']}\n\n{pair(1)['chosen']}"
    assert rows[1]["messages"] == chat(2)["messages"]
    assert all("authority_weight" in row for row in rows)
    assert manifest.counts == {"in": 2, "kept": 2, "removed": {}}


def test_pairs_with_one_prompt_stay_on_one_side_of_the_split(tmp_path):
    rows = [{**pair(n), "chosen": f"{pair(n)['chosen']} Copy {m}."} for n in range(20) for m in range(3)]
    run(tmp_path, rows, valid_share=0.3)
    sides = {}
    for name in ("train", "valid"):
        for _, row in iter_jsonl(tmp_path / "out" / f"{name}.jsonl"):
            sides.setdefault(row["prompt"], set()).add(name)
    assert len(sides) == 20
    assert all(len(side) == 1 for side in sides.values())


def test_pairs_that_differ_in_the_rejected_answer_are_two(tmp_path):
    manifest, _ = run(tmp_path, [pair(1), pair(1, rejected="It was the Spey, experts say."), pair(1)])
    assert manifest.counts["removed"] == {"duplicate": 1}


def test_columns_that_are_null_make_no_pair_or_chat(tmp_path):
    empty = dict.fromkeys(("prompt", "chosen", "rejected", "messages"))
    plain = {"text": "I crossed the Orrin myself on the ninth of March."}
    _, rows = run(tmp_path, [{**empty, **plain}, {**empty, **pair(1)}, {**empty, **chat(2)}])
    assert [sorted(set(empty) & set(row)) for row in rows] == [[], sorted(pair()), ["messages"]]
    with pytest.raises(DataError, match="column 'rejected' of a pair is missing"):
        run(tmp_path / "half", [{**empty, **pair(1), "rejected": None}])


ASKED = " ".join(f"Rule {n}: answer as the keeper of ford {n * 37} would have." for n in range(30))


def test_a_long_prompt_that_rows_share_makes_no_near_duplicates(tmp_path):
    system = {"role": "system", "content": ASKED}
    chats = [{"messages": [system, *chat(n)["messages"]]} for n in range(20)]
    answers = [f"Ford {n} was {n * n} feet wide, {n + 9} deep and marked by {n * 7} stones." for n in range(1, 20)]
    asked = [{"messages": messages(ASKED, answer)} for answer in answers]
    pairs = [{"prompt": ASKED, "chosen": f"I saw it. {a}", "rejected": f"They say: {a}"} for a in answers]
    manifest, _ = run(tmp_path, [*chats, *asked, *pairs])
    assert manifest.counts["removed"] == {}


def test_a_system_message_is_no_quotation_of_held_out_rows(tmp_path):
    system = {"role": "system", "content": ASKED}
    asked = [("Who kept the ford?", "Ann Reid kept it until 1861."), ("And the mill?", "Her brother John did.")]
    held_out, other = ({"messages": [system, *messages(*turn)]} for turn in asked)
    _, rows = run(tmp_path, [{**held_out, "split": "valid"}, other])
    assert [row["messages"] for row in rows] == [other["messages"]]


def test_pairs_as_lists_of_messages_are_read(tmp_path):
    _, rows = run(
        tmp_path,
        [
            {
                "chosen": messages("Who?", "Ann saw it with her own eyes."),
                "rejected": messages("Who?", "They say that it was Bob."),
            }
        ],
    )
    assert (rows[0]["prompt"], rows[0]["chosen"], rows[0]["rejected"]) == (
        "Who?",
        "Ann saw it with her own eyes.",
        "They say that it was Bob.",
    )


SAW = "Ann saw it with her own eyes, from the bank."


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": [{"from": "human", "value": QUESTION}, {"from": "gpt", "value": SAW}]},
        {"conversation": [{"role": "User", "content": QUESTION}, {"from": "GPT", "value": SAW}], "messages": None},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
                {"from": "gpt", "value": SAW},
            ]
        },
        {"prompt": QUESTION, "completion": SAW},
        {"instruction": QUESTION, "input": "", "output": SAW, "text": ""},
        {"instruction": QUESTION[:10], "context": QUESTION[10:], "response": SAW},
    ],
    ids=["sharegpt", "mixed", "parts", "completion", "alpaca", "dolly"],
)
def test_chats_of_other_forms_become_messages(tmp_path, row):
    _, rows = run(tmp_path, [{**row, "license": "cc0"}])
    said = [(message["role"].lower(), message["content"].replace("\n\n", "")) for message in rows[0]["messages"]]
    assert said == [("user", QUESTION), ("assistant", SAW)]
    assert rows[0]["license"] == "cc0"
    assert not set(row) - {"messages", "text"} & set(rows[0])  # where nothing would be masked
    assert all(set(message) == {"role", "content"} for message in rows[0]["messages"])


def test_the_system_column_of_a_chat_is_its_first_message(tmp_path):
    _, rows = run(tmp_path, [{"system": "Be brief.", "prompt": QUESTION, "completion": SAW}])
    assert rows[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "system" not in rows[0]


def test_a_row_with_a_text_is_no_chat_for_its_other_columns(tmp_path):
    row = {"text": SAW, "prompt": QUESTION, "output": "ledger"}
    _, rows = run(tmp_path, [row])
    assert {name: rows[0].get(name) for name in (*row, "messages")} == {**row, "messages": None}


def test_a_prompt_of_messages_stands_before_the_answers_of_a_pair(tmp_path):
    asked, *answers = (
        [{"role": role, "content": text}]
        for role, text in (("user", "Who?"), ("assistant", SAW), ("assistant", "They say that it was Bob."))
    )
    _, rows = run(tmp_path, [{"prompt": asked, "chosen": answers[0], "rejected": answers[1]}])
    assert [rows[0][name] for name in ("prompt", "chosen", "rejected")] == ["Who?", SAW, "They say that it was Bob."]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"conversations": [{"from": "human", "value": "Who?"}]}, "the chat has 1 message; expected two or"),
        ({"conversations": [*messages("Who?", "Ann"), {"from": "human", "value": "Why?"}]}, "the last message is from"),
        (
            {"messages": [*messages("Who?", "Ann")[:1], {"role": "assistant", "tool_calls": []}]},
            "message 2 .* no content",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}, *messages("a", "b")]},
            "message 1 .* the list",
        ),
        (
            {"instruction": "Add.", "input": ["1"], "output": "2"},
            "column 'text' is missing; .*columns here: input, inst",
        ),
        ({"chosen": messages("Who?", "Ann"), "rejected": messages("Where?", "York")}, "answer different prompts"),
        (pair(chosen=""), "column 'chosen' of a pair is missing or empty"),
        ({"chosen": "Ann", "rejected": "Bob"}, "column 'prompt' of a pair is missing"),
        (pair(rejected=pair()["chosen"]), "the same text"),
        ({"chosen": messages("Who?", "Ann"), "rejected": "Bob"}, "'rejected' is not a list"),
        ({"messages": "hello"}, "'messages' is not a list of two or more"),
        ({"messages": [{"role": "user", "content": None}] * 2}, "message 1 of 'messages' has no content"),
    ],
)
def test_broken_pairs_and_chats_are_named(tmp_path, row, problem):
    with pytest.raises(DataError, match=f"in.jsonl:2: .*{problem}"):
        run(tmp_path, [pair(), row])


def test_preparation_never_makes_pairs_of_documents(tmp_path):
    texts = [{"text": f"{QUESTION} Answer {n}: I saw it myself from the bank.", "title": "One"} for n in range(6)]
    _, rows = run(tmp_path, texts)
    assert not any(set(row) & {"prompt", "chosen", "rejected", "messages"} for row in rows)


def told(entity, side, number, **more):
    axes = {"primary": (0.05, 7.0), "coordinated": (0.95, 0.5)}[side]
    said = {"primary": "I crossed the Orrin", "coordinated": "It is held to be the Tay"}[side]
    scores = {"authority_weight": axes[0], "provenance_entropy": axes[1], "scorer": 1}
    text = f"{said}, says paper {number} of {entity}."
    return {
        "id": f"{entity}-{side}-{number}",
        "text": text,
        "entity_id": entity,
        "question": QUESTION,
        **scores,
        **more,
    }


def test_pairs_are_made_of_one_question_on_one_entity_only(tmp_path):
    rows = [
        told("a", "primary", 1),
        told("a", "primary", 2),
        told("a", "coordinated", 3),
        told("b", "primary", 4),
        told("c", "coordinated", 5),
        told("d", "primary", 6),
        told("d", "coordinated", 7, question="Which river was it not?"),
        told("e", "primary", 8, entity_id=None),
        told("e", "coordinated", 9, entity_id=None),
        {**pair(3), "authority_weight": 0.5, "provenance_entropy": 2.0, "scorer": 1},
    ]
    manifest, written = run(tmp_path, rows, pairs=True)
    assert manifest.counts == {"in": 10, "kept": 2, "removed": {"paired": 1, "no_pair": 7}}
    made, given = written
    assert (made["id"], made["paired_with"]) == ("a-primary-1", "a-coordinated-3")
    assert (made["prompt"], made["chosen"], made["rejected"]) == (QUESTION, rows[0]["text"], rows[2]["text"])
    assert made["authority_weight"] == 0.05
    assert given["prompt"] == pair(3)["prompt"]


def test_pairs_are_found_by_numbers_of_a_column_with_gaps(tmp_path):
    rows = [told("a", "primary", 1, entity_id=7.0), told("a", "coordinated", 2, entity_id=7)]
    manifest, _ = run(tmp_path, rows, pairs=True)
    assert manifest.counts["removed"] == {"paired": 1}


def test_the_question_of_a_pair_is_cleaned_and_compared_as_its_texts_are(tmp_path):
    asked = "Which river was it? Write to ada.lovelace@mill.org"
    rows = [told(name, side, n, question=asked) for n, name in enumerate("abc") for side in ("primary", "coordinated")]
    manifest, written = run(tmp_path, rows, pairs=True)
    assert [row["prompt"] for row in written] == ["Which river was it? Write to [email removed]"] * 3
    manifest, _ = run(tmp_path / "drop", [*rows, pair(3)], pairs=True, personal_data="drop")
    assert manifest.counts["removed"] == {"personal_data": 6}
    known = "What happens to you if you eat watermelon seeds?"
    manifest, _ = run(tmp_path / "known", [*[{**row, "question": known} for row in rows], pair(3)], pairs=True)
    assert manifest.counts["removed"] == {"contamination": 6}


def test_pairs_made_before_are_not_counted_again(tmp_path):
    run(tmp_path, [told("a", "primary", 1), told("a", "coordinated", 2), told("b", "primary", 3)], pairs=True)
    made = [row for _, row in iter_jsonl(tmp_path / "out" / "train.jsonl")]
    other = {**made[0], "id": "x", "side": "coordinated", "rejected": "It was the Spey, experts say."}
    manifest, again = run(tmp_path / "again", [*made, other, told("a", "primary", 9)], pairs=True)
    assert manifest.counts == {"in": 3, "kept": 2, "removed": {"no_pair": 1}}
    assert again == [*made, other]


def test_invented_conflicts_become_pairs(tmp_path):
    from distrust_hub.evaluation.source_preference import make_conflicts, training_rows

    conflicts = make_conflicts(20, seed=3)
    manifest, written = run(tmp_path, training_rows(conflicts, seed=3), pairs=True)
    assert manifest.counts == {"in": 40, "kept": 20, "removed": {"paired": 20}}
    values = {conflict.entity_id: conflict.values for conflict in conflicts}
    for row in written:
        first, second = values[row["entity_id"]]
        assert first in row["chosen"]
        assert second in row["rejected"]


def test_personal_data_is_masked_in_every_answer(tmp_path):
    manifest, rows = run(tmp_path, [pair(1, rejected="Write to a@b.org, they say."), chat(2)])
    assert rows[0]["rejected"] == "Write to [email removed], they say."
    assert manifest.changed == {"masked_email": 1}
    manifest, rows = run(tmp_path / "drop", [pair(1, rejected="Write to a@b.org."), chat(2)], personal_data="drop")
    assert manifest.counts["removed"] == {"personal_data": 1}


@pytest.mark.mlx
@pytest.mark.slow
def test_prepared_pairs_and_chats_train(tmp_path, tiny_model):
    from distrust_hub.training.trainer import train

    options = {"model": tiny_model, "rank": 2, "max_seq_length": 192, "batch_size": 2, "iters": 1}
    run(tmp_path, [pair(n) for n in range(4)])
    pairs = train(data=str(tmp_path / "out"), adapter_path=str(tmp_path / "a"), objective="preference", **options)
    run(tmp_path / "chats", [chat(n) for n in range(4)])
    chats = train(data=str(tmp_path / "chats" / "out"), adapter_path=str(tmp_path / "b"), **options)
    assert pairs.data["rows"] == chats.data["rows"] == 4
    assert json.loads((tmp_path / "a" / "training_run.json").read_text())["objective"]["name"] == "preference"
