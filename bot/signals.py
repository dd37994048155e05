"""What a short message says about the conversation itself: a wish for a person, yes or no, thanks, small talk.

Hard rules over folded text, tolerant of one typing mistake a word; they read the newest words only.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot import signal_words as words
from bot.semantic import is_word
from gateway.text.normal import fold

#: A wish for a person is looked for in the first and the last this many characters.
_LOOKED_AT = 600
#: A verdict on an answer is short, or begins with it.
_VERDICT = 80
#: A message is asked several of these questions in a row; only the newest few texts are remembered.
_RECENT = 32
#: Longer texts say more than thanks.
_THANKED = 240
_PIECE = re.compile(r"[.,!;:\n。，！；：、…~～–—()-]+|\b(?:and|und|y|in)\b")
_THANKING_SIGN = re.compile("[👍🙏❤💚💙💛😊🙂😀😃😄🥰😍👌✅🎉💯👏🤝]")
#: A name alone on the last line.
_SIGNED = re.compile(r"\n\s*[A-ZÀ-ŽČŠŽ][\w'’.-]*(?: [A-ZÀ-ŽČŠŽ][\w'’.-]*){0,2}\s*$")
_SIGNS = re.compile(r"[\W_]+")
_CHINESE_GAP = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
_PLAIN = re.compile(r"[a-z]{4,}")
#: So that of two equally near words every process takes the same.
_IN_ORDER = sorted(words.TRIGGERS)


@lru_cache(maxsize=_RECENT)
def wants_human(text: str) -> bool:
    """Return whether the writer asks for a person instead of the bot."""
    said = _plain(text[:_LOOKED_AT])
    if len(text) > _LOOKED_AT:
        said = f"{said} {_plain(text[-_LOOKED_AT:])}"
    return bool(words.PERSON.search(said) or words.PERSON_ALONE.fullmatch(said))


def yes_or_no(text: str) -> bool | None:
    """Return True for "it helped", False for "it did not", None when the text says neither."""
    said = _plain(text[:_LOOKED_AT])
    if not said or (("?" in text or "？" in text) and len(said) > 12):
        return None
    if said.startswith("no ") and words.THANKS.fullmatch(said[3:]):
        return None
    if said.startswith("no problem ") and words.YES.fullmatch(said[11:]):
        return True
    if words.NO.fullmatch(said[:_VERDICT]):
        return False
    return True if words.YES.fullmatch(said) or words.THANKS.fullmatch(said) else None


@lru_cache(maxsize=_RECENT)
def thanks_only(text: str) -> bool:
    """Return whether the text thanks and says nothing else but courtesies, in words or signs."""
    said = text.strip()
    if len(said) > _THANKED or "?" in said or "？" in said:
        return False
    if words.THANKS.fullmatch(_plain(said)):
        return True
    thanked = bool(_THANKING_SIGN.search(said))
    for part in _PIECE.split(_SIGNED.sub("", said)):
        piece = _plain(part)
        if piece and not _is_courtesy(piece):
            return False
        thanked = thanked or bool(piece and words.THANKS.fullmatch(piece))
    return thanked


def _is_courtesy(piece: str) -> bool:
    patterns = (words.THANKS, words.YES, words.GREETING, words.BYE, words.BESIDE_THANKS_HAN)
    return all(word in words.BESIDE_THANKS for word in piece.split()) or any(
        pattern.fullmatch(piece) for pattern in patterns
    )


def small_talk(text: str) -> str:
    """Return "greeting", "thanks" or "bye" when the text is nothing else, "menu" for a bare call for help, else ""."""
    if thanks_only(text):
        return "thanks"
    said = _plain(text[:_LOOKED_AT])
    if not said or len(said) > _VERDICT:
        return ""
    if words.BYE.fullmatch(said):
        return "bye"
    if words.MENU.fullmatch(said):
        return "menu"
    return "greeting" if words.GREETING.fullmatch(said) else ""


@lru_cache(maxsize=_RECENT)
def _plain(text: str) -> str:
    """Folded words with single spaces between them, typing mistakes of trigger words undone."""
    said = _CHINESE_GAP.sub("", _SIGNS.sub(" ", fold(text)).strip())
    return _PLAIN.sub(lambda match: _nearest(match[0]), said)


@lru_cache(maxsize=4096)
def _nearest(word: str) -> str:
    if word in words.TRIGGERS or len(word) > 24 or is_word(word):
        return word
    found = process.extractOne(word, _IN_ORDER, scorer=OSA.distance, score_cutoff=1 if len(word) < 8 else 2)
    return found[0] if found else word
