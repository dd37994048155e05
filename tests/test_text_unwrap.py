"""Wrapped paragraphs become one line; what is meant to stand alone stays so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.unwrap import unwrap


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("up to five working\ndays; then", "up to five working days; then"),
        ("one\n\ntwo\nthree", "one\n\ntwo three"),
        ("- an item that\n  goes on\n- another", "- an item that goes on\n- another"),
        ("see\n- a list", "see\n- a list"),
        ("# Heading\ntext", "# Heading\ntext"),
        ("hard  \nbreak", "hard  \nbreak"),
        ("```\na\nb\n```\nafter\nit", "```\na\nb\n```\nafter it"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("您可以在订单中\n查看物流", "您可以在订单中查看物流"),
        ("", ""),
    ],
)
def test_only_wrapping_is_taken_out(markdown: str, expected: str) -> None:
    assert unwrap(markdown) == expected


@given(st.text(alphabet="ab -*#|>`\n.1", max_size=80))
def test_unwrapping_twice_changes_nothing_more(markdown: str) -> None:
    assert unwrap(unwrap(markdown)) == unwrap(markdown)
