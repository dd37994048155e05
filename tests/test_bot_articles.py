"""Articles: what a file may say, what it may not, and that a broken one never takes a good one down."""

import asyncio
from datetime import date
from pathlib import Path

import pytest

from bot.article_file import sections
from bot.articles import Library, load, watch

GOOD = """---
title: Where is my order?
questions:
  - where is my order
  - track my parcel
---
Open **My orders**.

## When it is late

Write to us.
"""


def write(folder: Path, name: str, text: str = GOOD) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_an_article_is_read_with_its_sections(tmp_path: Path) -> None:
    write(tmp_path, "track-order.md")
    article = load(tmp_path).articles[0]
    assert (article.slug, article.name, article.language) == ("track-order", "track-order", "en")
    assert article.questions == ("where is my order", "track my parcel")
    assert [(s.heading, s.anchor) for s in article.sections] == [
        ("", ""),
        ("When it is late", "when-it-is-late"),
    ]


def test_every_field_is_understood(tmp_path: Path) -> None:
    front = (
        "---\ntitle: T\nquestions: [q]\nkeywords: [k]\nlanguage: de\ntopic: Orders\naudience: agents\n"
        "owner: Ana\nreview-by: 2027-03-31\nqueue: orders\nmay_answer: [shop]\nsample: true\n"
        "draft: true\nexpires: 2027-01-01\n---\n"
    )
    write(tmp_path, "a.md", front)
    article = load(tmp_path).articles[0]
    assert (article.language, article.audience, article.queue) == ("de", "agents", "orders")
    assert (article.review_by, article.expires) == (date(2027, 3, 31), date(2027, 1, 1))
    assert article.sample
    assert article.draft


def test_language_versions_share_a_slug(tmp_path: Path) -> None:
    for name in ("a.md", "a.sl.md", "a.zh-Hant.md", "node.js.md"):
        write(tmp_path, name)
    library = load(tmp_path)
    assert {a.name: a.language for a in library.versions("a")} == {
        "a": "en",
        "a.sl": "sl",
        "a.zh-Hant": "zh-Hant",
    }
    assert library.get("node.js") is not None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no front matter", "front matter"),
        ("---\ntitle: T\nquestions: [q]\n", "does not end"),
        ("---\n- a\n- b\n---\n", "no fields"),
        ("---\ntitle: a: b\n---\n", "YAML"),
        ("---\ntitle: [\n---\n", "YAML"),
        ("---\nquestions: [q]\n---\n", "no title"),
        ("---\ntitle: T\n---\n", "no questions"),
        ("---\ntitle: T\nquestions: [{a: b}]\n---\n", "questions"),
        ("---\ntitle: T\nquestions: [q]\nexpries: 2027-01-01\n---\n", "expries"),
        ("---\ntitle: T\nquestions: [q]\nexpires: soon\n---\n", "expires"),
        ("---\ntitle: T\nquestions: [q]\ndraft: perhaps\n---\n", "draft"),
        ("---\ntitle: T\nquestions: [q]\naudience: all\n---\n", "audience"),
        ("---\ntitle: T\nquestions: [q]\nno: 1\n---\n", "False"),
        ("---\ntitle: !!python/object/apply:os.system [ls]\nquestions: [q]\n---\n", "YAML"),
    ],
)
def test_a_broken_file_is_a_named_problem_and_no_more(tmp_path: Path, text: str, problem: str) -> None:
    write(tmp_path, "good.md")
    bad = write(tmp_path, "bad.md", text)
    library = load(tmp_path)
    assert [a.name for a in library.articles] == ["good"]
    assert [p.path for p in library.problems] == [bad]
    assert problem in library.problems[0].problem
    assert library.problems[0].remedy


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(tmp_path).articles[0].title == "Where is my order?"


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"---\ntitle: \x80\n---\n", b"x" * 1_000_001])
def test_bytes_that_are_no_text_are_a_problem(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.md").write_bytes(raw)
    assert len(load(tmp_path).problems) == 1


def test_an_invalid_edit_keeps_the_last_good_version(tmp_path: Path) -> None:
    path = write(tmp_path, "a.md")
    before = load(tmp_path)
    path.write_text("---\ntitle: [\n---\n", encoding="utf-8")
    after = load(tmp_path, before)
    assert after.articles == before.articles
    assert after.revision == before.revision
    assert len(after.problems) == 1


def test_an_edit_changes_revisions_and_leaves_other_articles_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "a.md")
    write(tmp_path, "b.md")
    before = load(tmp_path)
    path.write_text(GOOD + "more", encoding="utf-8")
    after = load(tmp_path, before)
    assert after.revision != before.revision
    assert after.get("b") is before.get("b")
    assert after.get("a") is not before.get("a")


def test_drafts_hidden_folders_and_missing_folders(tmp_path: Path) -> None:
    for folder in ("drafts", ".git", "orders"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, f"{folder.strip('.')}.md")
    assert [a.name for a in load(tmp_path).articles] == ["orders"]
    assert load(tmp_path / "nowhere").problems[0].remedy


def test_only_live_articles_are_public(tmp_path: Path) -> None:
    for name, field in [
        ("a", ""),
        ("b", "draft: true\n"),
        ("c", "audience: agents\n"),
        ("d", "retired: true\n"),
    ]:
        write(tmp_path, f"{name}.md", GOOD.replace("questions:", f"{field}questions:", 1))
    write(tmp_path, "e.md", GOOD.replace("questions:", "expires: 2026-05-01\nquestions:", 1))
    library = load(tmp_path)
    assert [a.name for a in library.public(date(2026, 5, 1))] == ["a", "e"]
    assert [a.name for a in library.public(date(2026, 5, 2))] == ["a"]


def test_headings_in_code_are_no_sections() -> None:
    found = sections(
        "intro\n\n```\n# not this\n```\n\n## A [link](x) and *more*\n\ntext\n\n## A link and more\n"
    )
    assert [s.anchor for s in found] == ["", "a-link-and-more", "a-link-and-more-2"]


@pytest.mark.parametrize("when", ["before it watches", "while it watches"])
async def test_an_edit_is_seen(when: str, tmp_path: Path) -> None:
    path = write(tmp_path, "a.md")
    seen: asyncio.Queue[Library] = asyncio.Queue()
    task = asyncio.create_task(watch(tmp_path, seen.put_nowait, previous=load(tmp_path)))
    if when == "while it watches":
        await asyncio.sleep(1)
    path.write_text(GOOD.replace("Where is", "Where on earth is"), encoding="utf-8")
    library = await asyncio.wait_for(seen.get(), 30)
    assert library.articles[0].title == "Where on earth is my order?"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_articles_without_a_language_share_the_common_one(tmp_path: Path) -> None:
    ask = "---\ntitle: {}\nquestions:\n  - {}\n---\n"
    write(tmp_path, "a.md", ask.format("Vračilo", "kako lahko vrnem izdelek, ki mi ni všeč"))
    write(tmp_path, "b.md", ask.format("Naročilo", "kje je moje naročilo in kdaj ga dobim"))
    write(tmp_path, "c.md", ask.format("App", "app reset"))
    write(tmp_path, "d.md", ask.format("訂單", "我的訂單在哪裡"))
    assert [a.language for a in load(tmp_path).articles] == ["sl", "sl", "sl", "zh-Hant"]
