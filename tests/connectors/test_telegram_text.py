"""Whatever is said arrives: every Markdown is HTML that Telegram takes, and long texts are cut without loss."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.telegram.cutting import cut, plain, shown
from connectors.telegram.sending import shortened
from connectors.telegram.steps import MAX_TEXT, plan
from gateway.text.markup import to_telegram_html
from tests.fakes_telegram import post
from tests.telegram_html import Invalid, parse, units

MARKDOWN = """# Where is it?

> Your parcel is **on *its* way**, see [the page](https://shop.example/a?b=1&c=2) & wait
> <until> tomorrow.

1. one `code`
2. ~~two~~

```python
if a < b:
    pass
```

| a | b |
|---|---|
| 1 | 🙂 |
"""


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("limit", [40, 60, 100, 4096])
def test_formatting_goes_on_in_the_next_piece(limit: int) -> None:
    html = to_telegram_html(MARKDOWN * 3)
    pieces = cut(html, limit)
    texts = [parse(piece)[0] for piece in pieces]
    assert squeezed("".join(texts)) == squeezed(parse(html)[0])
    assert all(0 < units(text) <= limit for text in texts)


def test_a_bold_paragraph_stays_bold_in_every_piece() -> None:
    pieces = cut(to_telegram_html("**" + "many words here " * 50 + "end**"), 200)
    assert len(pieces) > 3
    for piece in pieces:
        text, entities = parse(piece)
        assert entities and entities[0]["type"] == "b" and entities[0]["length"] == units(text)


def test_it_is_cut_where_a_reader_pauses() -> None:
    first, second = cut("A first sentence stands here. Another one comes after it.", 40)
    assert (first, second) == ("A first sentence stands here. ", "Another one comes after it.")


def test_a_long_text_is_cut_quickly_and_whole() -> None:
    steps = plan(post("wörd " * 60_000), (), ())
    assert all(units(parse(step.html)[0]) <= MAX_TEXT for step in steps)
    assert sum(parse(step.html)[0].count("wörd") for step in steps) == 60_000


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=40),
            st.sampled_from(
                ["**", "*", "_", "`", "```\n", "> ", "\n\n", "\n", "[x](https://a.example)", "<b>", "</a>", "&lt;",
                 "~~", "- ", "1. ", "| a | b |\n|---|---|\n| c | d |\n", "🙂" * 30, "# ", "&#x200b;",
                 "[a](javascript:x)"]
            ),
        ),
        max_size=30,
    ).map("".join),
    st.integers(40, 400),
)  # fmt: skip
def test_any_markdown_becomes_pieces_that_telegram_takes(markdown: str, limit: int) -> None:
    html = to_telegram_html(markdown)
    try:
        whole, _ = parse(html)
    except Invalid as invalid:
        pytest.fail(f"{invalid}: {html!r}")
    assert shown(html) == units(whole)
    texts = [parse(piece)[0] for piece in cut(html, limit)]
    assert all(text.strip() and units(text) <= limit for text in texts)
    assert squeezed("".join(texts)) == squeezed(whole)


def test_plain_text_shows_where_links_lead() -> None:
    html = '<b>See</b> <a href="https://a.example/?x=1&amp;y">the page</a> &lt;now&gt;'
    assert plain(html) == "See the page (https://a.example/?x=1&y) <now>"


@pytest.mark.parametrize("text", ["short", "x" * 50, "🙂" * 30, "x🙂" * 20])
def test_shortened_is_within_the_limit_and_whole_characters(text: str) -> None:
    short = shortened(text, 40)
    assert units(short) <= 40
    short.encode()
