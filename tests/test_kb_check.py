"""`kb check`: each mistake an author can make is named with its remedy, and a good folder is left alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.kb.check import check, is_good
from gateway.kb.confusion import PARTS, confusions
from gateway.kb.findings import Finding
from tests.kb_files import QUESTIONS, shop, write

TODAY = date(2027, 1, 1)


def found(folder: Path, **options: Any) -> list[Finding]:
    return check(folder, TODAY, matcher=False, **options)[1]


def codes(folder: Path, **options: Any) -> set[tuple[str, str]]:
    return {(finding.where, finding.code) for finding in found(folder, **options)}


def test_a_good_folder_has_no_findings(tmp_path: Path) -> None:
    assert check(shop(tmp_path), TODAY)[1] == []


MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    ("review_by is past", {"review_by": "2026-12-31"}, "review", "warning"),
    ("expired", {"expires": "2026-12-31"}, "expired", "warning"),
    ("draft", {"draft": "true"}, "draft", "warning"),
    ("no text", {"body": " "}, "empty", "error"),
    ("dead link", {"body": "See [x](gone.md)."}, "dead_link", "error"),
    ("dead page", {"body": "See [x](/help/en/gone)."}, "dead_link", "error"),
    ("dead section", {"body": "See [x](track-order.md#gone)."}, "dead_anchor", "warning"),
    ("few questions", {"questions": "one thing\ntwo things"}, "few_questions", "warning"),
    ("said twice", {"questions": QUESTIONS["return-item"] + "\nSend something back!"}, "few", ""),
    ("repeated", {"questions": QUESTIONS["return-item"] + "\nSend  something BACK"}, "repeated", "warning"),
    ("duplicate", {"questions": QUESTIONS["return-item"] + "\nTrack my parcel"}, "duplicate", "error"),
    ("no words", {"questions": QUESTIONS["return-item"] + "\n???"}, "no_words", "error"),
    ("a person", {"questions": QUESTIONS["return-item"] + "\na person, please"}, "taken_before", "warning"),
    ("thanks", {"questions": QUESTIONS["return-item"] + "\nthank you"}, "taken_before", "warning"),
    ("queue", {"queue": "nowhere"}, "unknown_queue", "error"),
    ("long section", {"body": "word " * 400}, "long_section", "warning"),
    ("broken", {"audience": "everybody"}, "unreadable", "error"),
    ("same page", {"slug": "track-order"}, "same_page", "error"),
]


@pytest.mark.parametrize(("what", "front", "code", "severity"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_each_mistake_is_named(
    tmp_path: Path, what: str, front: dict[str, Any], code: str, severity: str
) -> None:
    write(shop(tmp_path), "return-item", **front)
    named = [f for f in found(tmp_path, queues={"general"}) if f.code == code]
    assert [f.severity for f in named] == ([severity] if severity else [])
    assert all(f.problem and f.remedy for f in named)
    assert is_good(named) == (severity != "error")


@pytest.mark.parametrize(
    "front", [{"audience": "agents"}, {"retired": "true"}, {"draft": "true"}, {"expires": "2026-01-01"}]
)
def test_a_link_to_what_customers_cannot_open_is_an_error(tmp_path: Path, front: dict[str, str]) -> None:
    write(shop(tmp_path), "reset-password", **front)
    write(tmp_path, "return-item", body="See [there](reset-password.md).")
    assert ("return-item", "closed_link") in codes(tmp_path)


def test_links_in_code_and_of_retired_articles_do_not_count(tmp_path: Path) -> None:
    write(shop(tmp_path), "return-item", body="Write `[x](gone.md)`.")
    write(tmp_path, "reset-password", body="See [x](gone.md).", retired="true")
    assert not any(code == "dead_link" for _, code in codes(tmp_path))


def test_language_versions_are_compared(tmp_path: Path) -> None:
    write(shop(tmp_path), "return-item", body="Within 30 days.\n\n## How\n\nSo.", queue="orders")
    write(tmp_path, "return-item.de", body="In 14 Tagen.", language="de", questions="wie zurück")
    assert {code for where, code in codes(tmp_path) if where == "return-item.de"} >= {
        "versions_differ",
        "versions_sections",
        "versions_numbers",
    }


def test_a_link_into_another_language_is_named_where_there_is_a_version(tmp_path: Path) -> None:
    shop(tmp_path)
    write(tmp_path, "track-order.de", language="de", questions="wo ist mein paket")
    write(tmp_path, "return-item.de", language="de", questions="wie zurück", body="[x](track-order.md)")
    write(tmp_path, "reset-password.de", language="de", questions="kennwort", body="[x](return-item.de.md)")
    assert ("return-item.de", "foreign_link") not in codes(tmp_path)  # the file name alone is led home
    write(tmp_path, "return-item.de", language="de", questions="wie zurück", body="[x](/help/en/track-order)")
    assert ("return-item.de", "foreign_link") in codes(tmp_path)


def test_confused_articles_are_found_by_leaving_questions_out(tmp_path: Path) -> None:
    shop(tmp_path)
    write(tmp_path, "return-shoes", questions=QUESTIONS["return-item"].replace("item", "shoes"))
    progress: list[tuple[int, int]] = []
    library, findings = check(tmp_path, TODAY, progress=lambda done, every: progress.append((done, every)))
    assert any(f.code == "confused" and "return-" in f.problem for f in findings)
    assert progress[-1] == (PARTS, PARTS)
    assert {frozenset((c.article, c.other)) for c in confusions(library, TODAY)[:1]} == {
        frozenset(("return-item", "return-shoes"))
    }


def test_articles_with_one_question_can_be_left_out_too(tmp_path: Path) -> None:
    write(tmp_path, "a", questions="only this")
    write(tmp_path, "b", questions="only that")
    assert all(f.code in ("few_questions", "confused") for f in check(tmp_path, TODAY)[1])


def test_the_exit_code_is_one_on_errors_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["kb", "check", "--quick", "--today", "2027-01-01", "--config", str(tmp_path / "none.toml")]
    arguments += ["--kb", str(shop(tmp_path / "kb"))]
    assert main(arguments) == 0
    assert "3 articles, all good." in capsys.readouterr().out
    write(tmp_path / "kb", "return-item", review_by="2026-01-01")
    assert main(arguments) == 0
    assert "warning: return-item: Its review was due on 2026-01-01, 365 days ago." in capsys.readouterr().out
    (tmp_path / "kb/return-item.md").write_bytes(b"\xff\xfe")
    assert main(arguments) == 1
    assert "error: return-item.md: Byte 0 is not UTF-8." in capsys.readouterr().out


def test_no_folder_is_an_error_and_no_article_is_not(tmp_path: Path) -> None:
    assert [f.code for f in check(tmp_path / "gone", TODAY)[1]] == ["unreadable"]
    assert check(tmp_path, TODAY)[1] == []


def test_the_sample_shop_has_no_errors() -> None:
    folder = Path(__file__).parent.parent / "kb_articles"
    assert [str(f) for f in check(folder, date(2026, 11, 1), matcher=False)[1]] == []
