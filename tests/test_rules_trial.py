"""`deskgate rules test` and `deskgate words preview`: what admins try before they change rules or words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gateway import words
from gateway.cli import main
from gateway.kb.preview import Shop
from gateway.words.preview import languages, sheet

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "tests/data/rules_cases.jsonl"


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def cases(folder: Path, *lines: dict[str, Any] | str) -> str:
    file = folder / "cases.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return str(file)


def test_the_shipped_rules_pass_their_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", str(SHIPPED)]) == 0
    out = capsys.readouterr().out
    # VIPs and repeats need more than a text.
    assert (
        "no case meets 2 of 10 rules: very important customer, wrote again" in out and "passed: 9 of 9" in out
    )


def test_what_went_elsewhere_is_told_with_the_rule_that_decided(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = cases(
        tmp_path,
        {
            "text": "I want your manager",
            "expect": {"queue": "leads", "priority": "urgent", "mood": "asks_manager"},
        },
        {"text": "a person, please: the app crashes whenever I open it", "expect": "technical"},
    )
    assert main(["rules", "test", file]) == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.endswith(
        "priority should be urgent, is high (rule 'abuse or a manager is asked for' decided)"
    )
    assert ":1: " in first and last == "not passed: 1 of 2 as expected."


def test_other_rules_can_be_tried_on_the_same_cases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nname = "all"\n[rules.then]\nqueue = "payments"\n', "utf-8")
    file = cases(
        tmp_path, {"text": "Do you sponsor football clubs?", "expect": {"queue": "payments", "rule": "all"}}
    )
    assert main(["rules", "test", file, "--rules", str(rules), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"cases": 1, "wrong": [], "untried": []}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "not JSON"),
        ('{"text": "x"}', '"expect" is missing'),
        ('{"text": "x", "expect": {"que": 1}}', "'que'"),
    ],
)
def test_a_broken_case_is_named_with_its_line(
    line: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "test", cases(tmp_path, "", line)]) == 1
    said = capsys.readouterr().err
    assert "cases.jsonl:2: " in said and named in said


def test_every_word_of_every_language_is_on_the_page() -> None:
    known = words.load()
    found = list(languages(known, Shop(languages=("sl", "en"))))
    assert [language.code for language in found][:2] == ["sl", "en"]
    assert {language.code for language in found} == set(known.languages)
    for language in found:
        assert {key for message in language.messages for key in message.keys} == set(known.keys)


def test_the_page_is_whole_and_loads_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sub" / "words.html"
    assert main(["words", "preview", "--out", str(out)]) == 0
    page = out.read_text("utf-8")
    assert "Linden &amp; Fox" in page and "DG-42" in page and page.rstrip().endswith("</html>")
    assert not re.search(r"""(src|href)=["'](?!https://help\.example\.com|#)""", page)
    assert not re.search(r"\{[a-z_]+\}", page.partition("</style>")[2])


def test_a_hostile_company_name_stays_text() -> None:
    assert "<script>" not in sheet(words.load(), Shop(company="<script>x</script>", bot_name="<b>"))
