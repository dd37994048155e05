"""What is quick against what is plain: word by word against feature by feature, blocks against single questions."""

from __future__ import annotations

import numpy as np
import pytest

from bot.articles import Article
from bot.confidence import Confidence, _curve, _standard, unfitted
from bot.lexical import Lexical
from bot.matcher import MEASURES, Matcher
from bot.semantic import Semantic, Summed, raw_vector, raw_vectors
from gateway.text.normal import fold

_TEXTS = (
    "where is my parcel",
    "track a package that is late, late, late",
    "cancel my order",
    "how do i cancel an order that i paid by card",
    "send it back and get the money back",
    "包裹什么时候到",
    "怎么取消订单",
    "kje je moj paket",
)
_ASKED = (
    *_TEXTS,
    "where where where is the order order",
    "Wo ist mein Päckchen?",
    "我的包裹在哪里，包裹丢了吗",
    "zzzzqqq",
    "?!",
    "",
)


def _many(count: int) -> list[str]:
    """Made-up phrasings: so many that some features are frequent and most are not."""
    draw = np.random.default_rng(0)
    words = [word for text in _TEXTS for word in text.split()] + [f"thing{n}" for n in range(60)]
    return [" ".join(draw.choice(words, draw.integers(2, 9))) for _ in range(count)]


@pytest.mark.parametrize("asked", _ASKED)
@pytest.mark.parametrize("words", [8192, 5])
def test_cosines_word_by_word_are_those_feature_by_feature(
    asked: str, words: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.lexical.remembered", lambda size: words)
    index = Lexical(_many(300), 280)
    vector = index.vector(fold(asked))
    plain = index.visited(vector)
    for _ in range(2):  # the second time what words share is remembered
        assert np.allclose(index.similar(vector), plain, atol=1e-6)
    assert plain.max(initial=0) <= 1 + 1e-5


def test_long_lists_are_copied_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    index = Lexical(_many(300), 280)
    vector = index.vector("where is my order thing7")
    gathered = index.visited(vector)
    monkeypatch.setattr("bot.lexical._LONG", 0)
    assert np.allclose(index.visited(vector), gathered, atol=1e-6)


def test_cosines_of_phrasings_in_a_block_are_those_of_each_alone() -> None:
    texts = _many(300)
    index = Lexical(texts, 280)
    rows = np.array([0, 7, 7, 250, 299])
    alone = np.stack([index.similar(index.vector(texts[i])) for i in rows])
    assert np.allclose(index.similar_rows(rows), alone, atol=1e-6)
    assert np.allclose(index.similar_rows(rows, 100), alone[:, :100], atol=1e-6)
    assert np.allclose(alone[0, 0], 1, atol=1e-5)


@pytest.mark.parametrize("asked", _ASKED)
def test_meanings_summed_word_by_word_are_those_of_the_whole_text(asked: str) -> None:
    raw = raw_vectors([fold(text) for text in _many(200)])
    plain = Semantic(raw, raw_vector).similar(fold(asked))
    summed = Summed(raw, {"where", "order", "the", "thing7", "zzzzqqq"})
    for _ in range(2):
        assert np.allclose(summed.similar(fold(asked)), plain, atol=1e-5)
    assert np.allclose(summed.similar(fold(asked), np.array([3, 5])), plain[[3, 5]], atol=1e-5)


def test_many_meanings_are_kept_by_fewer_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = raw_vectors([fold(text) for text in _many(300)])
    plain, rows = Semantic(raw, raw_vector), np.arange(0, 300, 7)
    monkeypatch.setattr("bot.semantic._MANY", 200)
    fewer = Summed(raw, {"where", "order", "the", "thing7"})
    assert fewer._rows.shape == (300, 128)
    for asked in ("where is the order", "send thing7 back", "my parcel"):
        found = fewer.similar(asked)
        assert np.allclose(found, plain.similar(asked), atol=0.15)
        assert np.allclose(found[rows], fewer.similar(asked, rows), atol=1e-5)
    assert np.allclose(fewer.similar_rows(rows), plain.similar_rows(rows), atol=0.15)


def test_the_kernel_in_blocks_is_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.matcher.SAMPLE", 100)
    monkeypatch.setattr("bot.matcher.MOST_TRIED", 200)
    asked = _many(400)
    articles = [
        Article(slug=f"a{n}", name=f"a{n}", title=f"t{n}", language="en", questions=tuple(asked[n::10]))
        for n in range(10)
    ]
    matcher = Matcher(articles)
    plain = matcher.kernel(*matcher.similar_rows(np.arange(len(matcher.columns))))
    made, tried = matcher._kernel(), matcher.tried
    assert 100 < tried < len(plain)
    assert np.allclose(np.tril(made), np.tril(plain), atol=1e-5)
    assert np.allclose(made[:tried, :tried], plain[:tried, :tried], atol=1e-5)
    for article in matcher.whole:
        assert (np.flatnonzero(matcher.owner == article) < tried).all() or len(matcher.whole) == 10


def test_one_question_has_the_confidence_that_many_have() -> None:
    draw = np.random.default_rng(1)
    measures = draw.uniform(0, 1, (20, len(MEASURES))).astype(np.float32)
    weights = unfitted().weights
    many = _curve(_standard(measures), weights)
    one = [Confidence(weights, 0.5).of(tuple(row.tolist())) for row in measures]
    assert np.allclose(many, one, atol=1e-5)
