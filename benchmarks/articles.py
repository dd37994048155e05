"""A knowledge base of any size for measuring: every article is about one thing, asked in a few ways."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

from bot.articles import Article, Library, Section

_ACTS = (
    ("cancel", "Cancelling"),
    ("change", "Changing"),
    ("return", "Returning"),
    ("pay for", "Paying for"),
    ("track", "Tracking"),
    ("renew", "Renewing"),
    ("share", "Sharing"),
    ("repair", "Repairing"),
    ("insure", "Insuring"),
    ("pause", "Pausing"),
)
_KINDS = (
    "printed",
    "family",
    "monthly",
    "student",
    "weekend",
    "business",
    "digital",
    "seasonal",
    "corporate",
    "trial",
)
#: One word each.
_THINGS = """
    ticket magazine bicycle parcel subscription camera invoice voucher mattress newspaper telescope lamp
    kettle passport concert garden printer carpet piano guitar helmet tractor blanket compass ladder fridge
    drone violin aquarium hammock kayak microscope notebook projector radiator scooter tent umbrella vacuum
    wardrobe greenhouse toaster trampoline stove sofa skateboard sandals puzzle pillow perfume pendant
    mirror mixer lantern keyboard jacket heater gloves fountain easel dishwasher curtain cushion chandelier
    cello candle cabinet bracelet boots blender bench basket barrel balloon bagpipe backpack armchair aprons
    antenna anchor amplifier almanac accordion
"""
_WAYS = (
    "how do I {act} my {thing}",
    "I want to {act} the {thing} that I bought last week",
    "{act} {thing}",
    "can somebody tell me how to {act} a {thing} online",
)
#: What a customer writes: one of the article's own ways with words around it.
_ASKED = "Hello, could you please tell me how I {act} my {thing}? Thank you"


def library(count: int) -> Library:
    """So many articles; no two are about the same act and thing."""
    articles = tuple(_article(act, title, thing) for act, title, thing in _subjects(count))
    return Library(articles=articles, revision=f"generated-{count}")


def questions(count: int, articles: int) -> list[str]:
    """So many questions, each of which one of the articles answers."""
    subjects = list(_subjects(articles))
    picked = (subjects[(number * 7919) % len(subjects)] for number in range(count))
    return [_ASKED.format(act=act, thing=thing) for act, _, thing in picked]


def _subjects(count: int) -> Iterator[tuple[str, str, str]]:
    """Plain things first; kinds of things when there are not enough."""
    plain = ((act, title, thing) for (act, title), thing in itertools.product(_ACTS, _THINGS.split()))
    kinds = (
        (act, title, f"{kind} {thing}")
        for kind, (act, title), thing in itertools.product(_KINDS, _ACTS, _THINGS.split())
    )
    return itertools.islice(itertools.chain(plain, kinds), count)


def _article(act: str, title: str, thing: str) -> Article:
    name = f"{act}-{thing}".replace(" ", "-")
    steps = "\n".join(
        f"{n}. Open your account, choose the {thing} and press **{title}**." for n in range(1, 4)
    )
    body = f"You can {act} your {thing} in your account within 14 days of the order; it costs nothing.\n\n{steps}"
    return Article(
        slug=name,
        name=name,
        title=f"{title} a {thing}",
        language="en",
        questions=tuple(way.format(act=act, thing=thing) for way in _WAYS),
        body=body,
        revision=hashlib.sha256(body.encode()).hexdigest()[:8],
        sections=(Section(heading="", anchor="", body=body),),
    )
