"""`ask`: the JSON-lines contract, the explanation, and the figures of `kb test`."""

import io
import json
import sys
from pathlib import Path

import pytest

from bot.answer import Bot, Question
from bot.ask import ask_lines, explain, main
from bot.evaluate import Case, evaluate, figures, read_cases
from tests.test_bot_answer import BOT, shop


def decide(*texts: str) -> list[dict[str, object]]:
    lines = [json.dumps({"id": i, "text": text}) for i, text in enumerate(texts)]
    return [json.loads(line) for line in ask_lines(BOT, lines)]


def test_lines_keep_order_and_ids() -> None:
    replies = decide("where is my order", "hello", "do you sell bicycles")
    assert [r["id"] for r in replies] == [0, 1, 2]
    assert [r["action"] for r in replies][:2] == ["answer", "handoff"]
    assert [r["article"] for r in replies] == ["track-order", None, None]
    assert replies[1]["reason"] == "small_talk"


@pytest.mark.parametrize("text", ["where is my order", "hello", "a person, please", "bicycles"])
def test_every_action_names_three_candidates_on_one_scale(text: str) -> None:
    [reply] = decide(text)
    candidates = reply["candidates"]
    assert isinstance(candidates, list)
    assert len(candidates) >= 3
    assert candidates[0][1] == reply["confidence"]


def test_ids_of_any_kind_come_back() -> None:
    lines = ['{"id":"a","text":"x"}', '{"text":"x"}', "", '{"id":[1],"text":"x"}']
    assert [json.loads(line)["id"] for line in ask_lines(BOT, lines)] == ["a", None, [1]]


def test_a_line_that_is_no_question_is_named() -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(ask_lines(BOT, ['{"text":"x"}', "nonsense"]))


def test_the_explanation_shows_what_it_rests_on() -> None:
    said = explain(BOT.reply(Question(text="where is my order")))
    assert "answer: track-order@1" in said
    assert "nearest phrasing: where is my order" in said


def test_the_command_reads_a_folder_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.md").write_text(
        "---\ntitle: Orders\nquestions: [where is my order]\n---\nHere.\n", encoding="utf-8"
    )
    (tmp_path / "b.md").write_text("---\nbroken\n", encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"id": 1, "text": "where is my order"}\n'))
    assert main(["--kb", str(tmp_path), "--jsonl"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["candidates"][0][0] == "a"
    assert "b.md" in err
    assert main(["--kb", str(tmp_path), "where", "is", "my", "order"]) == 0


def test_figures_count_right_wrong_and_handed_off() -> None:
    cases = [
        Case(text="where is my order", expect="track-order"),
        Case(text="where is my order", expect="invoice"),
        Case(text="do you sell bicycles", expect="handoff"),
    ]
    found = figures(evaluate(Bot.build(shop()).train(), cases))
    assert (found.cases, found.precision, found.handed_off) == (3, 0.5, 1.0)


def test_cases_are_read_from_lines() -> None:
    assert read_cases(['{"text": "x", "language": "en", "expect": "handoff"}', "\n"])[0].text == "x"
