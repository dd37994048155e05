"""The normal forms of a text: for reading, for comparing, and cut into words and character n-grams.

Plain functions; nothing here knows an article or a ticket.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from gateway.text.hanzi import TO_SIMPLIFIED

# Scripts written without spaces: one character is about one syllable or word.
UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+(?:['’][^\W\d_{UNSPACED}]+)?")
_RUN = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+")
_SPACE = re.compile(r"\s+")
_GAPS = re.compile(r"[\t\n\v\f\r\x85]+")
_LETTERS_APART = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})
_DROPPED = ("Cc", "Cf", "Co", "Cs")


def normalise(text: str) -> str:
    """Return `text` in NFKC and lower case, without control and format characters, spaces collapsed."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _SPACE.sub(" ", _printable(text)).strip().casefold()


def fold(text: str) -> str:
    """Return the normal form without diacritics and with traditional Chinese characters simplified."""
    text = normalise(text)
    if text.isascii():
        return text
    text = text.translate(_LETTERS_APART).translate(TO_SIMPLIFIED)
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return _SPACE.sub(" ", unicodedata.normalize("NFC", bare)).strip()


def tokens(text: str) -> list[str]:
    """Return the words of an already normalised or folded text; unspaced scripts give one character each."""
    return _WORD.findall(text)


def ngrams(text: str) -> list[str]:
    """Return character n-grams of a folded text, word by word.

    2 to 5 characters of each word padded with a space; 1 to 3 where words are not separated by spaces.
    """
    return [gram for run in runs(text) for gram in run_ngrams(run)]


def runs(text: str) -> list[str]:
    """Return the words of a folded text, or its stretches where words are not separated, 64 characters of each."""
    return [run[:64] for run in _RUN.findall(text)]


@lru_cache(maxsize=65536)
def run_ngrams(run: str) -> tuple[str, ...]:
    """Return the n-grams of one of `runs`."""
    if _UNSPACED.match(run):
        return tuple(run[i : i + n] for n in range(1, 4) for i in range(len(run) - n + 1))
    padded = f" {run} "
    return tuple(padded[i : i + n] for n in range(2, 6) for i in range(len(padded) - n + 1))


def is_unspaced(text: str) -> bool:
    """Return whether the text is mostly written in a script without spaces between words."""
    return 2 * len(_UNSPACED.findall(text)) > len(text.replace(" ", ""))


def _printable(text: str) -> str:
    text = _GAPS.sub(" ", text)  # nearly every text is printable then, which is far quicker to see
    if text.isprintable():
        return text
    return "".join(c for c in text if c.isprintable() or unicodedata.category(c) not in _DROPPED)
