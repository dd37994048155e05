"""Every automatic message in every language, as mail, Slack, Telegram and web chat show it: one page to look at."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from gateway.kb.preview import Shop, Shown, forms
from gateway.words import Words

#: What is filled in where a message names something, in place of a real ticket's.
SAMPLES: Mapping[str, str] = {
    "url": "https://help.example.com/privacy",
    "title": "Where is my order?",
    "link": "https://help.example.com/help/en/track-order",
    "section": "If it is late",
    "language": "English",
    "revision": "7ede53",
    "part": "do you sponsor football clubs?",
    "queue": "Customer care",
    "reference": "DG-42",
    "name": "Ana",
    "when": "on Monday, 30 March, at 10:30 (CEST)",
    "zone": "Europe/Vienna",
    "days": "6 April (Easter Monday), 1 May (Labor Day)",
}
#: A rule of Markdown, between what is said and who says it.
RULE = "---"


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is put together of several words. `quote` stands where an article is quoted."""

    title: str
    words: tuple[str, ...]
    buttons: tuple[str, ...] = ()


_HELPFUL = ("button_yes", "button_no", "button_person")
#: The messages that are said most, whole. What no message here holds is shown by itself below them.
MESSAGES: tuple[Composed, ...] = (
    Composed(
        title="The first answer to somebody",
        words=("quoted", "quote", "revision", "did_this_help", RULE, "assistant", "privacy"),
        buttons=_HELPFUL,
    ),
    Composed(
        title="An answer from a section, in another language",
        words=("other_language", "quoted_section", "quote", "revision", "did_this_help"),
        buttons=_HELPFUL,
    ),
    Composed(
        title="Half an answer; a person takes the rest",
        words=("quoted", "quote", "revision", "open_part", "handed_over"),
    ),
    Composed(
        title="What is meant?",
        words=("clarify", "options"),
        buttons=("options", "button_none", "button_person"),
    ),
    Composed(title="No answer: handed over", words=("unsure", "handed_over")),
    Composed(title="The answer did not help: handed over", words=("sorry", "handed_over")),
    Composed(title="A private matter", words=("private_matter",)),
    Composed(title="A private matter where others read along", words=("private_in_public",)),
    Composed(title="Part of it could not be read", words=("unreadable", "received")),
    Composed(
        title="No answer, at night: handed over", words=("unsure", "handed_over", "closed_now", "next_word")
    ),
    Composed(title="When are you open?", words=("opening_hours", "closed_days", "open_now", "did_this_help")),
    Composed(title="It waited too long: the next level", words=("escalated", "next_word")),
    Composed(title="An agent passed it on", words=("passed_on", "next_word")),
    Composed(title="No news yet", words=("heartbeat", "next_word")),
    Composed(title="It helped", words=("glad",)),
    Composed(title="It helped somebody who was angry", words=("glad_sober",)),
    Composed(title="Resolved", words=("resolved", "csat")),
    Composed(title="Open again", words=("reopened", "next_word")),
)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message in one language. `keys`: where its words are edited."""

    title: str
    keys: tuple[str, ...]
    shown: Shown


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is said in one language."""

    code: str
    name: str
    messages: tuple[Message, ...]


def languages(words: Words, shop: Shop) -> Iterator[Language]:
    """All languages that there are words in, those that are used first."""
    used = [code for code in shop.languages if code in words.languages]
    for code in (*used, *(code for code in words.languages if code not in used)):
        say = _Voice(words, code, shop)
        whole = [each for each in MESSAGES if say.knows(each)]
        held = {key for each in whole for key in (*each.words, *each.buttons)}
        alone = [_alone(key) for key in words.keys if key not in held]
        yield Language(
            code=code,
            name=words.name(code),
            messages=tuple(_message(say, each) for each in (*whole, *alone)),
        )


def sheet(words: Words, shop: Shop) -> str:
    """A whole HTML document; it loads nothing."""
    return _template().render(shop=shop, languages=list(languages(words, shop)))


def _alone(key: str) -> Composed:
    """A word that stands in no message above."""
    title = key.replace("_", " ").capitalize()
    return (
        Composed(title=title, words=(), buttons=(key,))
        if key.startswith("button_")
        else Composed(title=title, words=(key,))
    )


class _Voice:
    """One language with everything filled in."""

    def __init__(self, words: Words, language: str, shop: Shop) -> None:
        self._words, self._language, self._shop = words, language, shop

    def knows(self, message: Composed) -> bool:
        """Whether its words are (still) words; a message of theirs must not break the page."""
        return all(self._own(key) or key in self._words.keys for key in (*message.words, *message.buttons))

    def says(self, key: str) -> str:
        if self._own(key):
            return self._own(key)
        fields = string.Formatter().parse(self._words.text(self._language, key))
        return self._words.say(
            self._language, key, **{name: self._sample(name) for _, name, _, _ in fields if name}
        )

    def _own(self, key: str) -> str:
        return {
            "quote": "> You can follow your parcel with the *tracking link* in the shipping mail.",
            "options": "1. Where is my order?\n2. Change an order",
            RULE: RULE,
        }.get(key, "")

    def buttons(self, keys: Sequence[str]) -> Iterator[str]:
        for key in keys:
            if key == "options":
                yield from ("Where is my order?", "Change an order")
            else:
                yield self.says(key)

    def _sample(self, name: str) -> str:
        own = {"bot": self._shop.bot_name, "company": self._shop.company}
        return own.get(name) or SAMPLES.get(name) or f"‹{name}›"


def _message(say: _Voice, composed: Composed) -> Message:
    text = "\n\n".join(say.says(key) for key in composed.words)
    return Message(
        title=composed.title,
        keys=tuple(
            key for key in (*composed.words, *composed.buttons) if key not in ("quote", "options", RULE)
        ),
        shown=forms("", text, tuple(say.buttons(composed.buttons))),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("preview.html")
