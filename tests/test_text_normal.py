"""Normal forms: what is compared must not depend on case, width, accents or script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.hanzi import PAIRS
from gateway.text.normal import fold, is_unspaced, ngrams, normalise, tokens


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Where is MY order?", "where is my order?"),
        ("Kje je moje naročilo", "kje je moje narocilo"),
        ("Straße", "strasse"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("訂單", "订单"),
        ("a\u200bb\x00c\u202e", "abc"),
        ("line\none\ttwo", "line one two"),
        ("¿Dónde está?", "¿donde esta?"),
        ("", ""),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_tokens_keep_words_and_single_chinese_characters() -> None:
    assert tokens("don't stop 订单123") == ["don't", "stop", "订", "单", "123"]


def test_ngrams_stay_within_words_and_runs() -> None:
    assert " a" in ngrams("ab") and "ab " in ngrams("ab")
    assert set(ngrams("订单")) == {"订", "单", "订单"}


@pytest.mark.parametrize(("text", "unspaced"), [("我的订单", True), ("my order", False), ("", False)])
def test_unspaced_scripts_are_told(text: str, unspaced: bool) -> None:
    assert is_unspaced(text) is unspaced


@given(st.text(max_size=200))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=200))
def test_normal_form_is_one_printable_line(text: str) -> None:
    assert not set(normalise(text)) & set("\n\r\t\x00")


def test_a_million_characters_give_few_ngrams() -> None:
    assert len(ngrams("x" * 1_000_000)) < 400


def test_every_pair_is_of_single_characters_and_one_way() -> None:
    assert all(len(old) == len(new) == 1 for old, new in PAIRS.items())
    assert not set(PAIRS) & set(PAIRS.values())
