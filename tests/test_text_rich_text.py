"""Slack's rich text to Markdown: what people format, and what cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.markup import from_rich_text, to_html, to_mrkdwn


def rich(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "rich_text", "block_id": "x", "elements": list(elements)}]


def section(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(elements)}


def text(words: str, *styles: str) -> dict[str, Any]:
    return {"type": "text", "text": words, **({"style": dict.fromkeys(styles, True)} if styles else {})}


def items(*words: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "rich_text_list",
        "style": "bullet",
        "elements": [section(text(w)) for w in words],
        **more,
    }


@pytest.mark.parametrize(
    ("blocks", "markdown"),
    [
        (rich(section(text("hello "), text("big", "bold"), text(" world"))), "hello **big** world"),
        (rich(section(text(" spaced ", "italic"), text("x", "bold", "strike"))), " *spaced* ~~**x**~~"),
        (rich(section(text("2*3 _a_ <b>", "code"))), "`2*3 _a_ <b>`"),
        (rich(section(text("a*b*c"))), "a\\*b\\*c"),
        (rich(section(text("# no heading\n- no list\n1. none"))), "\\# no heading\n\\- no list\n1\\. none"),
        (
            rich(section(text("see "), {"type": "link", "url": "https://x.example/(a)", "text": "this"})),
            "see [this](https://x.example/%28a%29)",
        ),
        (rich(section({"type": "link", "url": "https://x.example"})), "<https://x.example>"),
        (rich(section({"type": "link", "url": "javascript:alert(1)", "text": "me"})), "me"),
        (rich(section({"type": "user", "user_id": "UBOT"}, text(" hi"))), " hi"),
        (
            rich(section({"type": "user", "user_id": "U1"}, {"type": "broadcast", "range": "channel"})),
            "@U1@channel",
        ),
        (rich(section({"type": "emoji", "name": "smile", "unicode": "1f642"})), "🙂"),
        (rich(section({"type": "emoji", "name": "our_logo"})), ":our\\_logo:"),
        (rich(items("one", "two"), items("deep", indent=1)), "- one\n- two\n    - deep"),
        (rich(items("one", "two", style="ordered", offset=2)), "3. one\n4. two"),
        (
            rich({"type": "rich_text_quote", "elements": [text("they\nsaid")]}, section(text("so"))),
            "> they\n> said\n\nso",
        ),
        (
            rich({"type": "rich_text_preformatted", "elements": [text("if *x*:\n  y")]}),
            "```\nif *x*:\n  y\n```",
        ),
    ],
)
def test_what_people_format(blocks: list[dict[str, Any]], markdown: str) -> None:
    assert from_rich_text(blocks, without="UBOT") == markdown


@pytest.mark.parametrize(
    "blocks", [None, "x", [], [1], [{"type": "section"}], [{"type": "rich_text", "elements": 1}]]
)
def test_blocks_without_rich_text_are_none(blocks: object) -> None:
    assert from_rich_text(blocks) is None


def test_lists_and_quotes_are_lists_and_quotes_again() -> None:
    said = from_rich_text(rich(items("one", "two"), {"type": "rich_text_quote", "elements": [text("q")]}))
    assert said is not None
    assert "<li>one</li>" in to_html(said) and "<blockquote>" in to_html(said)
    assert to_mrkdwn(said).startswith("• one\n• two")


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "elements", "text", "url", "style", "indent", "offset", "unicode", "name", "bold"]),
        inner | st.sampled_from(["rich_text", "rich_text_section", "rich_text_list", "text", "link", "emoji", "date"]),
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(junk)
def test_nothing_that_comes_raises_or_pings(blocks: Any) -> None:
    said = from_rich_text([{"type": "rich_text", "elements": [blocks]}, blocks])
    assert said is None or "<!" not in to_mrkdwn(said)


@given(st.text(alphabet="*_~`[]<>#-+1. ab\n|!&", max_size=60))
def test_words_stay_words(words: str) -> None:
    html = to_html(from_rich_text(rich(section(text(words)))) or "")
    assert not any(
        tag in html for tag in ("<strong", "<em", "<code", "<a ", "<h1", "<li", "<blockquote", "<del")
    )
