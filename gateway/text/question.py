"""What a mail-like message asks: the newest reply without greeting, courtesies and sign-off, cut into sentences.

Knows nothing of articles; an ordinary chat line comes back as it is.
"""

from __future__ import annotations

import re

import msgspec

from gateway.text.courtesy import is_courtesy, is_sign_off, without_greeting
from gateway.text.reply import newest_reply

#: Sentences of one message that are looked at.
MOST_SENTENCES = 12
_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(
    r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[¿¡]*[^\W_a-zäöüčšž])|(?<=[?!])\s+|(?<=[。！？；])|\n(?=\s*[-*•]|\s*\d+[.)])"
)
_BULLET = re.compile(r"^\s*(?:[-*•>]+|\d{1,2}[.)])\s+")
_POSTSCRIPT = re.compile(r"\s*p\.? ?s\b", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_ASKS = re.compile(
    r"[?？¿]|^(?:how|what|where|when|why|who|which|can|could|do|does|did|is|are|will|would|should|may|"
    r"wie|was|wo|wann|warum|wer|welche[rsn]?|kann|können|kannst|gibt|ist|sind|darf|"
    r"cómo|como|qué|que|dónde|donde|cuándo|cuando|cuánto|cuanto|por qué|puedo|pueden|puede|hay|"
    r"kako|kaj|kje|kdaj|zakaj|kdo|kateri|katera|koliko|ali|lahko)\b|[吗嗎呢么麼]|怎[么麼样樣]|如何|什[么麼]|哪|多少|能否|可以",
    re.IGNORECASE,
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A message without what surrounds it: paragraphs, each a tuple of sentences."""

    paragraphs: tuple[tuple[str, ...], ...]
    #: More was said than is looked at.
    cut: bool = False

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return all sentences in order."""
        return tuple(sentence for paragraph in self.paragraphs for sentence in paragraph)

    @property
    def text(self) -> str:
        """Return all that is asked as one line."""
        return " ".join(self.sentences)


def read(text: str) -> Asked:
    """Return what `text` asks; when nothing but courtesies is left, the newest reply whole."""
    newest = newest_reply(text).strip() if "\n" in text else text.strip()
    found, count = [], 0
    for paragraph in _PARAGRAPH.split(_above_sign_off(newest)):
        kept = [s for s in split(paragraph) if not is_courtesy(s)]
        kept = (
            kept[: max(0, MOST_SENTENCES - count)] if (over := count + len(kept) > MOST_SENTENCES) else kept
        )
        count += len(kept) + over
        if kept:
            found.append(tuple(kept))
    if not found:
        found = [(" ".join(newest.split()),)] if newest else []
    return Asked(paragraphs=tuple(found), cut=count > MOST_SENTENCES)


def split(paragraph: str) -> list[str]:
    """Return the sentences of one paragraph on one line each, greetings before them cut off."""
    found = []
    for piece in _SENTENCE.split(paragraph):
        sentence = without_greeting(" ".join(_BULLET.sub("", piece).split()))
        if _LETTER.search(sentence):
            found.append(sentence)
    return found


def _above_sign_off(text: str) -> str:
    """Text up to the line that ends the letter, and the postscript below it."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if i and is_sign_off(line) and any(map(str.strip, lines[:i])):
            below = [k for k in range(i, len(lines)) if _POSTSCRIPT.match(lines[k])]
            return "\n".join([*lines[:i], *([""] if below else []), *(lines[below[0] :] if below else [])])
    return text


def asks(sentence: str) -> bool:
    """Return whether a sentence reads as a question."""
    return bool(_ASKS.search(sentence.strip()))
