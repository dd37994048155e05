"""`kb import`: what each source gives, what is refused and why, and that nothing is ever overwritten."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.article_file import parse
from bot.articles import Article, load
from gateway.cli import main
from gateway.kb import Unusable
from gateway.kb.html_markdown import to_markdown
from gateway.kb.importing import Taken, render, write_drafts
from gateway.kb.sources import Found, Skipped, read


def take(source: Path, to: Path, encoding: str = "") -> tuple[dict[str, Article], list[str]]:
    """The drafts by name, and why the others were skipped."""
    made = list(write_drafts(read(source, encoding), to))
    assert all(m.path.is_file() for m in made if isinstance(m, Taken))
    articles = {a.name: a for a in load(to).articles}
    assert load(to).problems == () or not articles
    return articles, [m.why for m in made if isinstance(m, Skipped)]


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# ---------------------------------------------------------------- tables


def test_a_table_becomes_one_article_an_answer(tmp_path: Path) -> None:
    table = put(
        tmp_path / "faq.csv",
        "Question,Answer,Category,Language,Tags\n"
        'Where is my order?,"Open ""Orders"", then Track.",Delivery,en,"parcel, tracking"\n'
        'Track my parcel,"Open ""Orders"", then Track.",Delivery,en,\n'
        "Wie zahle ich?,<p>Mit <b>Karte</b>.</p><ul><li>oder Rechnung</li></ul>,Zahlung,de-DE,\n"
        "No answer here,,,,\n"
        ",\n",
    )
    articles, skipped = take(table, tmp_path / "drafts")
    order = articles["where-is-my-order"]
    assert order.questions == ("Where is my order?", "Track my parcel")
    assert (order.topic, order.keywords, order.language) == ("Delivery", ("parcel", "tracking"), "en")
    assert order.draft and order.body.strip() == 'Open "Orders", then Track.'
    assert articles["wie-zahle-ich"].language == "de"
    assert articles["wie-zahle-ich"].body.strip() == "Mit **Karte**.\n\n- oder Rechnung"
    assert skipped == ["It has no answer."]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_and_marked_encodings_are_found(tmp_path: Path, delimiter: str, encoding: str) -> None:
    text = f"question{delimiter}answer\nKako vrnem čevlje?{delimiter}Pošljite jih nazaj.\n"
    articles, _ = take(put(tmp_path / "faq.csv", text.encode(encoding)), tmp_path / "drafts")
    assert [a.title for a in articles.values()] == ["Kako vrnem čevlje?"]


def test_an_unmarked_encoding_must_be_named(tmp_path: Path) -> None:
    table = put(tmp_path / "faq.csv", "question,answer\nWo ist mein Käse?,Da.\n".encode("windows-1252"))
    with pytest.raises(Unusable, match="--encoding"):
        take(table, tmp_path / "drafts")
    assert (
        take(table, tmp_path / "drafts", "windows-1252")[0]["wo-ist-mein-kase"].title == "Wo ist mein Käse?"
    )
    with pytest.raises(Unusable, match="no encoding"):
        take(table, tmp_path / "drafts", "klingon")


BAD_FILES = [
    ("faq.csv", "a,b\n1,2\n", "question and answer"),
    ("faq.csv", "", "question and answer"),
    ("faq.csv", 'question,answer\n"open,1\n', "line 2"),
    ("faq.csv", f"question,answer\nx,{'y' * 300_000}\n", "field larger than"),
    ("faq.csv", b"PK\x03\x04rest", "ZIP archive"),
    ("faq.csv", b"question,answer\nx,\x00\n", "zero bytes"),
    ("export.json", b"PK\x03\x04rest", "ZIP archive"),
    ("export.json", b"\x1f\x8brest", "gzip"),
    ("export.json", "{}", "no Zendesk Guide export"),
    ("export.json", '{"articles": [', "no Zendesk Guide export"),
    ("export.json", "[" * 100_000, "no Zendesk Guide export"),
    ("pages.zip", b"PK\x03\x04rest", "ZIP archive"),
    ("notes.txt", "hello", "ends in no known way"),
]


@pytest.mark.parametrize(("name", "content", "says"), BAD_FILES)
def test_what_cannot_be_read_is_refused_with_the_remedy(
    tmp_path: Path, name: str, content: str | bytes, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = put(tmp_path / name, content)
    assert main(["kb", "import", str(source), "--to", str(tmp_path / "drafts")]) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "drafts").exists()


def test_a_huge_file_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    huge = tmp_path / "faq.csv"
    with huge.open("wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(Unusable, match="at most"):
        list(read(huge))
    with pytest.raises(Unusable, match="There is no"):
        list(read(tmp_path / "gone.csv"))
    with pytest.raises(Unusable, match="no Markdown or HTML"):
        list(read(tmp_path))


# ---------------------------------------------------------------- pages


def test_html_keeps_what_an_article_can_say() -> None:
    page = to_markdown(
        "<html lang=en-GB><title>Returns · Shop</title><nav>Menu</nav><main><h1>How to return</h1>"
        "<p>Open <strong>Orders</strong>, <a href='https://shop.example/o (1)'>choose</a> *one*.</p>"
        "<h2>Later</h2><ol><li>Print<ul><li>on paper</li></ul></li><li><p>Send</p></li></ol>"
        "<table><tr><th>Size<th>Price</tr><tr><td>S</td><td>3 | 4</td></tr></table>"
        "<pre>a  b\n c</pre><p>x<br>y</p><p><code>a*b</code> <img src=x alt=Box></p><script>alert(1)</script>"
        "<a href='javascript:alert(1)'>bad</a> <a href='/old'>old</a></main></html>"
    )
    assert (page.title, page.language, page.lost) == ("How to return", "en-GB", ("links", "pictures"))
    for part in (
        "Open **Orders**, [choose](https://shop.example/o%20%281%29) \\*one\\*.",
        "## Later\n\n1. Print",
        "\n   - on paper\n2. Send",
        "| Size | Price |\n|---|---|\n| S | 3 \\| 4 |",
        "```\na  b\n c\n```",
        "x\\\ny",
        "`a*b` Box",
        "bad old",
    ):
        assert part in page.body
    assert "alert" not in page.body and "Menu" not in page.body


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("a<b> b </b>c", "a **b** c"),
        ("a <b> b</b> c", "a **b** c"),
        ("a<b></b>c", "ac"),
        ("<b>a</b>", "**a**"),
        ("<em>a <b>b</b></em>", "*a **b***"),
        ("<p>x</p><ul></ul><p>y</p>", "x\n\ny"),
        ("<a href='https://x.example'><b>go</b></a>", "[**go**](https://x.example)"),
        ("<h2></h2>text", "text"),
    ],
)
def test_emphasis_touches_its_words_and_empty_things_vanish(html: str, markdown: str) -> None:
    assert to_markdown(html).body == markdown


BOMBS = [
    "<div>" * 100_000,
    "<p>x" * 250_000,
    "<p " + "a=1 " * 100_000 + ">x",
    "&amp;" * 200_000,
    "<" * 500_000,
    "<!--" * 200_000,
    "<table><tr><td>" * 20_000,
    "<ul><li>" * 50_000,
    "x" * 3_000_000,
    "",
    "\x00\ufffe<p>\ud800",
]


@pytest.mark.parametrize("html", BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_is_read_or_refused_in_bounded_work(html: str) -> None:
    try:
        page = to_markdown(html)
    except Unusable as refused:
        assert "help page" in str(refused) or "at most" in str(refused)
    else:
        assert len(page.body) <= 3 * len(html)


PIECES = (
    "<p> </p> <ul> <li> </ul> <b> </b> <code> </code> <a&href='https://x.example'> </a> <h2> </h2> <table> "
    "<tr> <td> </table> <pre> </pre> <br> <ol> </li> text *#` |"
)


@given(st.lists(st.sampled_from([piece.replace("&", " ") for piece in PIECES.split()]), max_size=40))
@settings(deadline=None)
def test_any_nesting_gives_an_article_that_can_be_read(pieces: list[str]) -> None:
    page = to_markdown(" ".join(pieces))
    found = Found(source="x", title=page.title or "Title", body=page.body)
    article = parse(Path("x.md"), render(found, "en").encode(), "")
    assert article.body.strip() == page.body.strip()


def test_a_folder_of_pages_links_versions_and_names_what_it_leaves(tmp_path: Path) -> None:
    old = tmp_path / "old"
    put(old / "returns.md", "# How do I return?\n\nSend it back.\n\n## Later\n\nNo.")
    put(
        old / "returns.de.md",
        "---\ntitle: Wie gebe ich zurück?\ntags: [rückgabe]\nlayout: page\n---\nSchicken Sie es.",
    )
    put(old / "deep/pay.html", "<h1>How can I pay?</h1><p>By card.</p>")
    put(old / "broken.html", b"\xff\xfe\xff")
    put(old / "logo.png", b"\x89PNG")
    put(old / "README.md", "# About")
    put(old / ".hidden.md", "# Hidden")
    put(old / "empty.md", "")
    articles, skipped = take(old, tmp_path / "drafts")
    assert set(articles) == {"returns", "returns.de", "pay", "empty"}
    assert articles["returns"].title == "How do I return?" and "# How" not in articles["returns"].body
    assert (articles["returns.de"].slug, articles["returns.de"].language) == ("returns", "de")
    assert articles["returns.de"].keywords == ("rückgabe",)
    assert len(skipped) == 4


def test_front_matter_that_is_broken_is_text(tmp_path: Path) -> None:
    page = put(tmp_path / "a-page.md", "---\ntitle: [x\n---\nBody")
    articles, _ = take(page, tmp_path / "drafts")
    assert articles["a-page"].title == "A page"


# ---------------------------------------------------------------- Zendesk


def export(*articles: dict[str, Any], **more: Any) -> str:
    return json.dumps({"articles": articles, **more})


def guide(number: int, **fields: Any) -> dict[str, Any]:
    made = {
        "id": number,
        "title": f"Title {number}",
        "body": "<p>Text</p>",
        "locale": "en-us",
        "draft": False,
    }
    return made | fields


def test_a_zendesk_export_keeps_topics_languages_and_who_may_read(tmp_path: Path) -> None:
    source = put(
        tmp_path / "guide.json",
        export(
            guide(1, title="Returns", section_id=7, label_names=["return"], user_segment_id=None),
            guide(2, title="退货", locale="zh-cn", source_id=1),
            guide(3, title="Inner", user_segment_id=9),
            guide(4, body=None),
            guide(5, title=5),
            sections=[{"id": 7, "name": "Orders", "extra": 1}],
            next_page="https://x.example/2",
        ),
    )
    articles, skipped = take(source, tmp_path / "drafts")
    assert articles["returns"].topic == "Orders" and articles["returns"].keywords == ("return",)
    assert articles["returns.zh-Hans"].slug == "returns"
    assert articles["inner"].audience == "agents"
    assert skipped[0].startswith("It has no title or no text")
    assert len(skipped) == 3 and "one page of several" in skipped[2]


# ---------------------------------------------------------------- writing


def found(*titles: str, **fields: Any) -> Iterable[Found]:
    return [
        Found(source=title, title=title, body=f"About {title}.", language="en", **fields) for title in titles
    ]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = put(tmp_path / "returns.md", "mine")
    (only,) = write_drafts(found("Returns"), tmp_path)
    assert isinstance(only, Skipped) and "never overwritten" in only.why
    assert mine.read_text() == "mine"


def test_two_of_one_name_and_titles_without_letters_get_names(tmp_path: Path) -> None:
    made = list(write_drafts(found("Pay", "Pay!", "pay?", "退货", "../../etc/passwd"), tmp_path))
    names = [m.path.name for m in made if isinstance(m, Taken)]
    assert names == ["pay.md", "pay.en.md", "pay-2.en.md", "article.md", "etc-passwd.md"]


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=200))
def test_any_text_survives_the_front_matter_or_is_refused(title: str, question: str, body: str) -> None:
    each = Found(source="x", title=f"t {title}", questions=(f"q {question}",), body=body)
    article = parse(Path("x.md"), render(each, "en").encode("utf-8", "replace"), "")
    assert article.draft and article.title.startswith("t") and article.questions[0].startswith("q")


def test_the_command_reports_each_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = put(tmp_path / "faq.csv", "question,answer\nWhere is it?,There.\nWhy?,\n")
    to = str(tmp_path / "drafts")
    assert main(["kb", "import", str(table), "--to", to]) == 0
    out = capsys.readouterr().out
    assert "taken   faq.csv, line 2 ->" in out and "skipped faq.csv, line 3: It has no answer." in out
    assert "1 taken, 1 skipped." in out
    assert main(["kb", "import", str(table), "--to", to]) == 1
