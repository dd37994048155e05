"""`kb test`: wrong answers and silences are told apart, and the shipped questions pass with the shipped articles."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bot.answer import Bot
from bot.articles import load
from bot.evaluate import Case, Outcome
from gateway.cli import main
from gateway.kb import Unusable
from gateway.kb.trial import ENOUGH, by_language, changes, read, run, tally, verdict
from tests.kb_files import shop, write

SAMPLES = Path(__file__).parent.parent / "kb_articles"


def outcome(expect: str | None, got: str | None, action: str = "", offered: bool = False) -> Outcome:
    action = action or ("answer" if got else "handoff")
    case = Case(text="?", expect=expect, language="en")
    return Outcome(case=case, action=action, got=got, offered=offered, confidence=0.5)


RIGHT, SILENT = outcome("a", "a"), outcome("a", None)
OFFERED = outcome("a", None, "clarify", offered=True)
WRONG, INVENTED, HANDED = outcome("a", "b"), outcome("handoff", "b"), outcome("handoff", None)


def test_every_outcome_is_counted_once() -> None:
    found = tally([RIGHT, SILENT, OFFERED, WRONG, INVENTED, HANDED])
    assert (found.asked, found.answerable) == (6, 4)
    assert (found.right, found.silent, found.offered, found.wrong, found.handed) == (1, 1, 1, 2, 1)
    assert (found.answered, found.precision) == (0.25, 1 / 3)


@pytest.mark.parametrize(
    ("outcomes", "passes"),
    [
        ([], True),
        ([HANDED], True),
        ([RIGHT, HANDED], True),
        ([RIGHT, RIGHT, RIGHT, SILENT], True),
        ([RIGHT, SILENT], False),
        ([RIGHT] * 99 + [WRONG], False),
        ([RIGHT, INVENTED], False),
    ],
)
def test_one_wrong_answer_fails_and_silence_only_when_there_is_much_of_it(
    outcomes: list[Outcome], passes: bool
) -> None:
    assert (verdict(tally(outcomes)) == []) is passes


def test_limits_can_be_given() -> None:
    assert verdict(tally([RIGHT, SILENT]), enough=0.5) == []
    assert verdict(tally([RIGHT, INVENTED]), wrong=1) == []


def test_changes_show_what_got_worse_first() -> None:
    found = changes([SILENT, RIGHT, RIGHT], [RIGHT, RIGHT, WRONG])
    assert [(c.before, c.after, c.better) for c in found] == [
        ("answer a", "answer b", False),
        ("handoff", "answer a", True),
    ]


BROKEN = [
    (b"{not json", "line 1"),
    (b'{"expect": "track-order"}', "text"),
    (b'{"text": "x", "expect": "gone"}', "do not exist: gone"),
    (b"\xff\xfe\x00", "not UTF-8"),
    (b"PK\x03\x04\x00\x00", "line 1"),
    (b"", "no questions"),
    (b"\n \n", "no questions"),
]


@pytest.mark.parametrize(("content", "says"), BROKEN)
def test_a_file_that_is_none_is_refused_with_the_reason(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(content)
    with pytest.raises(Unusable, match=re.escape(says)):
        read(path, load(shop(tmp_path / "kb")))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="cannot be read"):
        read(tmp_path / "gone.jsonl", load(shop(tmp_path)))


def test_the_command_reports_and_its_exit_code_is_for_ci(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kb, questions = shop(tmp_path / "kb"), tmp_path / "q.jsonl"
    asked = [
        {"text": "track my parcel", "expect": "track-order", "language": "en"},
        {"text": "how do I bake bread", "expect": "handoff"},
    ]
    questions.write_text("\n".join(map(json.dumps, asked)), "utf-8")
    assert main(["kb", "test", str(questions), "--kb", str(kb)]) == 0
    assert "passed: 100%" in capsys.readouterr().out
    questions.write_text('{"text": "track my parcel", "expect": "handoff"}', "utf-8")
    assert main(["kb", "test", str(questions), "--kb", str(kb)]) == 1
    assert "WRONG  answer track-order" in capsys.readouterr().out
    assert main(["kb", "test", str(questions), "--kb", str(kb), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["passed"] is False
    assert main(["kb", "test", str(questions), "--kb", str(tmp_path / "empty")]) == 1


def test_a_draft_shows_what_publishing_it_would_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kb, questions = shop(tmp_path / "kb"), tmp_path / "q.jsonl"
    lines = "do you sell gift cards\ngift card\nbuy a gift card\nhow do gift cards work\nvoucher as a present"
    draft = write(tmp_path, "gift-cards", draft="true", questions=lines)
    questions.write_text('{"text": "do you sell gift cards", "expect": "gift-cards"}', "utf-8")
    assert main(["kb", "test", str(questions), "--kb", str(kb), "--with", str(draft)]) == 0
    assert "better" in (out := capsys.readouterr().out) and "-> answer gift-cards" in out


def test_the_shipped_questions_pass_with_the_shipped_articles() -> None:
    """No wrong answer at all, and at least ENOUGH of the answerable questions answered."""
    library = load(SAMPLES)
    outcomes = run(Bot.build(library).train(), read(SAMPLES / "test_questions.jsonl", library))
    assert verdict(tally(outcomes), enough=ENOUGH) == []
    assert len(outcomes) >= 200 and set(by_language(outcomes)) == {"en", "sl", "zh-Hans", "zh-Hant"}


# ---------------------------------------------------------------- publishing

GIFT = "do you sell gift cards\ngift card\nbuy a gift card\nhow do gift cards work\nvoucher as a present"


def publish(kb: Path, draft: Path, *more: str) -> int:
    return main(["kb", "publish", str(draft), "--kb", str(kb), *more])


def test_publishing_shows_what_changes_and_moves_the_draft(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kb = shop(tmp_path / "kb")
    (kb / "test_questions.jsonl").write_text(
        '{"text": "do you sell gift cards", "expect": "gift-cards"}', "utf-8"
    )
    draft = write(kb / "drafts", "gift-cards", "Yes.\n\ndraft: true stays here", draft="true", questions=GIFT)
    assert publish(kb, draft, "--dry-run") == 0 and draft.exists()
    assert publish(kb, draft) == 0
    assert "better handoff -> answer gift-cards" in capsys.readouterr().out.replace("clarify", "handoff")
    article = load(kb).get("gift-cards")
    assert article and not article.draft and "draft: true stays here" in article.body and not draft.exists()


def test_what_makes_answers_worse_or_is_broken_stays_a_draft(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kb = shop(tmp_path / "kb")
    (kb / "test_questions.jsonl").write_text('{"text": "my gift card", "expect": "handoff"}', "utf-8")
    draft = write(kb / "drafts", "gift-cards", draft="true", questions=GIFT + "\nmy gift card")
    assert publish(kb, draft) == 1 and draft.exists()
    assert "WORSE" in capsys.readouterr().out
    dead = write(kb / "drafts", "dead", "[x](gone.md)", questions="something else entirely")
    assert publish(kb, dead) == 1 and dead.exists()
    assert "leads nowhere" in capsys.readouterr().out
    assert publish(kb, draft, "--anyway") == 0 and not draft.exists()


def test_publishing_never_overwrites_unless_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kb = shop(tmp_path / "kb")
    draft = write(kb / "drafts", "track-order", "New text.", draft="true")
    assert publish(kb, draft) == 1 and "--replace" in capsys.readouterr().err
    assert publish(kb, draft, "--replace") == 0
    assert "New text." in (kb / "track-order.md").read_text("utf-8")
