"""Language of short texts, the two Chinese scripts, and near neighbours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.language import SHIPPED, chinese_script, detect, script_of

NEIGHBOURS = (*SHIPPED, "hr", "sr")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my order", "en"),
        ("where's my stuff", "en"),
        ("Wo ist meine Bestellung?", "de"),
        ("geld zurück", "de"),
        ("¿Dónde está mi pedido?", "es"),
        ("quiero devolver", "es"),
        ("kje je moj paket", "sl"),
        ("vračilo denarja", "sl"),
        ("ali dostavljate v Avstrijo", "sl"),
        ("gdje je moja narudžba", "hr"),
        ("gde je moja porudžbina", "sr"),
        ("我的订单在哪里", "zh-Hans"),
        ("我的訂單在哪裡", "zh-Hant"),
        ("退貨", "zh-Hant"),
        ("hello 我的订单", "zh-Hans"),
        ("返品できますか", "ja"),
        ("Можно ли вернуть товар?", "ru"),
    ],
)
def test_language_of_a_short_text(text: str, language: str) -> None:
    assert detect(text, NEIGHBOURS).language == language


@pytest.mark.parametrize(("prior", "language"), [("sl", "sl"), ("es", "es"), (None, "en")])
def test_the_known_language_decides_where_the_text_does_not(prior: str | None, language: str) -> None:
    assert detect("1234 !", SHIPPED, prior).language == language


def test_the_known_language_does_not_outweigh_a_clear_text() -> None:
    assert detect("where is my order, please help me with this", SHIPPED, "de").language == "en"


@pytest.mark.parametrize("prior", ["zh-Hans", "zh-Hant"])
def test_characters_of_both_scripts_leave_it_to_the_known_one(prior: str) -> None:
    assert detect("在哪", SHIPPED, prior).language == prior


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("order", "Latn"),
        ("订单", "Hani"),
        ("הזמנה", "Hebr"),
        ("طلب", "Arab"),
        ("ご注文は", "Hira"),
        ("💥 12", ""),
    ],
)
def test_script(text: str, script: str) -> None:
    assert script_of(text) == script


def test_chinese_script_is_sure_only_when_characters_tell() -> None:
    assert chinese_script("訂單號碼")[0] == "Hant"
    assert chinese_script("你好") == ("Hans", 0.5)


@given(st.text(max_size=300), st.sampled_from([None, *SHIPPED]))
def test_any_text_gets_a_language_and_a_confidence(text: str, prior: str | None) -> None:
    guess = detect(text, SHIPPED, prior)
    assert guess.language
    assert 0 <= guess.confidence <= 1
