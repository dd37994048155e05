"""Typing mistakes: a word that nobody knows becomes the one word of the articles that it nearly is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.semantic import is_word

_WORD = re.compile(r"[^\W\d_]{4,24}")
#: Unknown words of one text that are looked up.
MOST = 12


class Spelling:
    """The words of a language's articles."""

    def __init__(self, words: Mapping[str, int]) -> None:
        self._known = frozenset(words)
        self._by_length: dict[int, list[str]] = {}
        for word in sorted(words, key=lambda w: (-words[w], w)):
            if len(word) >= 4 and _WORD.fullmatch(word):
                self._by_length.setdefault(len(word), []).append(word)

    def correct(self, folded: str) -> str:
        """Return the text with its unknown words replaced where one known word is near enough."""
        left = MOST
        out, end = [], 0
        for match in _WORD.finditer(folded):
            word = match[0]
            if left and word not in self._known and not is_word(word):
                left -= 1
                out += [folded[end : match.start()], self._nearest(word)]
                end = match.end()
        return "".join(out) + folded[end:] if out else folded

    def _nearest(self, word: str) -> str:
        allowed = 1 if len(word) < 8 else 2
        lengths = range(len(word) - allowed, len(word) + allowed + 1)
        choices = [known for n in lengths for known in self._by_length.get(n, ())]
        found = process.extractOne(word, choices, scorer=OSA.distance, score_cutoff=allowed)
        return found[0] if found else word
