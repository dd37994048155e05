"""What a short message says about the conversation itself: a wish for a person, yes or no, thanks."""

from __future__ import annotations

from gateway.text.normal import fold, tokens


def wants_human(text: str) -> bool:
    """Return whether the writer asks for a person."""
    words = fold(text)
    return any(phrase in words for phrase in ("a person, please", "speak to a human", "talk to a person"))


def yes_or_no(text: str) -> bool | None:
    """Return True for "it helped", False for "it did not", None when the text says neither."""
    words = tokens(fold(text))
    if words[:1] == ["no"] or "not" in words:
        return False
    return True if words[:1] == ["yes"] else None


def thanks_only(text: str) -> bool:
    """Return whether the text thanks and says nothing else."""
    return fold(text).strip("!. ") in ("thanks", "thank you")


def small_talk(text: str) -> str:
    """Return "greeting", "thanks" or "bye" when the text is nothing else, "" otherwise."""
    bare = fold(text).strip("!. ")
    return "greeting" if bare in ("hi", "hello", "hey") else "thanks" if thanks_only(text) else ""
