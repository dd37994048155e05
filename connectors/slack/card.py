"""A ticket as a card in Slack: Card in, Block Kit out, always within Slack's documented limits."""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors.slack.blocks import (
    MAX_BYTES,
    MAX_URL,
    Block,
    actions,
    button,
    clip,
    context,
    fields,
    fold,
    header,
    mrkdwn,
    weight,
    words,
)
from connectors.slack.modals import MORE
from gateway.model import Card, Verb

#: The verbs that have a button, in the order in which they stand, with label and style; More… holds the others.
BUTTONS: dict[Verb, tuple[str, str]] = {
    Verb.CLAIM: ("Claim", ""),
    Verb.REPLY: ("Reply…", "primary"),
    Verb.RESOLVE: ("Resolve", ""),
    Verb.REOPEN: ("Reopen", ""),
}
OPEN = "open"  #: action id of the link to the desk; Slack reports its press too
MAX_SHOWN = 10  #: fields of a card; more is no card any more
MAX_FIELD_SHOWN = 300  #: characters of one field's value


def render(card: Card) -> list[Block]:
    """The blocks of this card: head, fields, why it came, what was said, buttons."""
    head = [header(f"{card.reference} · {card.title}"), *_facts(card)]
    tail = [actions(_buttons(card), f"ticket-{card.ticket}")] if _buttons(card) else []
    why = [context(f"**Why it came here:** {clip(card.why, 700)}")] if card.why.strip() else []
    body, complete = fold(card.body, MAX_BYTES - weight([*head, *why, *tail]))
    more = [] if complete else [context("The rest is on the desk.")]
    return [*head, *body, *more, *why, *tail]


def fallback(card: Card) -> str:
    """The line that notifications and screen readers get, as mrkdwn."""
    line = f"{words(card.reference)} {words(clip(card.title, 200))} ({words(clip(card.requester, 100))})"
    return str(mrkdwn(line, 1000)["text"])


def _facts(card: Card) -> list[Block]:
    pairs = [("From", words(clip(card.requester, MAX_FIELD_SHOWN))), *card.fields]
    shown = [(clip(label, 40), clip(value, MAX_FIELD_SHOWN)) for label, value in pairs[:MAX_SHOWN]]
    return fields(shown)


def _buttons(card: Card) -> list[Block]:
    made = [
        button(label, verb.value, str(card.ticket), style=style)
        for verb, (label, style) in BUTTONS.items()
        if verb in card.actions
    ]
    if card.actions:
        made.append(button("More…", MORE, str(card.ticket)))
    if _usable(card.link):
        made.append(button("Open on the desk", OPEN, "", url=card.link))
    return made


def _usable(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and len(link) <= MAX_URL
