"""Which of many short texts are about the like: shared words, rare ones counting more. For any script."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from rapidfuzz import fuzz

_WORDS = re.compile(r"[^\W\d_]{3,}")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
ENOUGH = 0.34  #: share of the question's weight that another text must hold
SAME_ARTICLE = 0.25  #: what the same article counts beside the words


class Likeness:
    """Texts to compare with, each with the name of the article that was tried on it, "" for none."""

    def __init__(self, texts: Sequence[tuple[str, str]]) -> None:
        self._bags = [terms(text) for text, _ in texts]
        self._articles = [article for _, article in texts]
        seen = Counter(term for bag in self._bags for term in bag)
        self._new = math.log(1 + len(texts))
        self._rare = {term: math.log(1 + len(texts) / count) for term, count in seen.items()}

    def nearest(self, text: str, article: str, most: int) -> list[int]:
        """The places of the texts that are near enough, nearest first, newer (earlier) ones first among equals."""
        asked = terms(text)
        scored = [(self._score(asked, article, place), -place) for place in range(len(self._bags))]
        best = sorted((pair for pair in scored if pair[0] >= ENOUGH), reverse=True)[:most]
        return [-place for _, place in best]

    def _score(self, asked: frozenset[str], article: str, place: int) -> float:
        total = sum(self._weight(term) for term in asked)
        shared = sum(self._weight(term) for term in asked & self._bags[place])
        same = SAME_ARTICLE if article and article == self._articles[place] else 0.0
        return (shared / total if total else 0.0) + same

    def _weight(self, term: str) -> float:
        return self._rare.get(term, self._new)


#: From this likeness on two short texts are taken to be about one problem.
ONE_PROBLEM = 0.5
#: Words this short say little about what a text is about.
_SHORT = 4


def groups(texts: Sequence[str]) -> list[list[int]]:
    """The places of texts that are about the like, chained by their nearest; every text is in one group."""
    bags = [
        frozenset(term for term in terms(text) if len(term) >= _SHORT or not term.isascii()) for text in texts
    ]
    folded = [" ".join(sorted(bag)) for bag in bags]
    parents = list(range(len(texts)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    for place in range(len(texts)):
        for other in range(place):
            if root(place) != root(other) and _like(bags[place], bags[other], folded[place], folded[other]):
                parents[root(place)] = root(other)
    found: dict[int, list[int]] = {}
    for place in range(len(texts)):
        found.setdefault(root(place), []).append(place)
    return list(found.values())


def _like(bag: frozenset[str], other: frozenset[str], folded: str, other_folded: str) -> bool:
    """Shares half of the words (misspelt ones count by their letters) and at least two of them."""
    if not bag or not other:
        return False
    shared = len(bag & other)
    if shared >= 2 and 2 * shared / (len(bag) + len(other)) >= ONE_PROBLEM:
        return True
    return fuzz.token_sort_ratio(folded, other_folded, score_cutoff=78) > 0


def same_share(text: str, other: str) -> float:
    """How much of a text's words stand in another one, in 0..1; 1 for a text without words."""
    asked = terms(text)
    return len(asked & terms(other)) / len(asked) if asked else 1.0


def terms(text: str) -> frozenset[str]:
    """Words of three letters and more, cut to their beginnings; pairs of characters where words have no spaces."""
    folded = text.casefold()
    wide = [run[place : place + 2] for run in _WIDE.findall(folded) for place in range(max(1, len(run) - 1))]
    narrow = [word[:6] for word in _WORDS.findall(_WIDE.sub(" ", folded))]
    return frozenset((*narrow, *wide))
