"""A ticket as a card in Slack: Card in, Block Kit out, always within Slack's documented limits."""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors.slack.acting import CHANNELS
from connectors.slack.blocks import (
    MAX_BYTES,
    MAX_URL,
    Block,
    actions,
    brief,
    button,
    clip,
    context,
    fields,
    fold,
    header,
    mrkdwn,
    section,
    weight,
    words,
)
from connectors.slack.modals import EDIT_SUGGESTION, MORE, READ
from gateway.model import Card, SendState, Verb
from gateway.overviews import Background, PastLine

#: The verbs that have a button, in the order in which they stand, with label and style; More… holds the others.
BUTTONS: dict[Verb, tuple[str, str]] = {
    Verb.CLAIM: ("Claim", ""),
    Verb.REPLY: ("Reply…", "primary"),
    Verb.RESOLVE: ("Resolve", ""),
    Verb.REOPEN: ("Reopen", ""),
    Verb.ADVISE: ("Give my opinion…", "primary"),
    Verb.APPROVE: ("Approve…", "primary"),
    Verb.DECLINE: ("Decline…", "danger"),
}
OPEN = "open"  #: action id of the link to the desk; Slack reports its press too
SUGGESTED = 1500  #: bytes of a suggested answer that a card shows
FOLDED = 2500  #: bytes of the message that a card shows
MAX_SHOWN = 16  #: fields of a card; more is no card any more
MAX_FIELD_SHOWN = 300  #: characters of one field's value


def render(card: Card, background: Background | None = None) -> list[Block]:
    """The blocks of this card: head, facts, what was said, why it came, what stands behind it, buttons."""
    known = background or Background()
    head = [header(f"{card.reference} · {card.title}"), *_facts(card, known), *_trouble(card, known)]
    tail = [actions(_buttons(card), f"ticket-{card.ticket}")] if _buttons(card) else []
    why = [context(f"**Why it came here:** {clip(card.why, 700)}")] if card.why.strip() else []
    behind = [*why, *_behind(card, known)]
    suggested = _suggested(card)
    room = min(FOLDED, MAX_BYTES - weight([*head, *suggested, *behind, *tail]))
    body, complete = fold(card.body, room)
    more = [] if complete or not card.actions else [_whole(card)]
    return [*head, *body, *more, *suggested, *behind, *tail]


def _suggested(card: Card) -> list[Block]:
    """What the assistant would have answered, to be sent by a person, or edited."""
    if not card.suggestion.strip():
        return []
    text, complete = fold(card.suggestion, SUGGESTED)
    rest = [] if complete else [context("… *Edit…* shows the rest.")]
    made = []
    if Verb.SEND_SUGGESTION in card.actions:
        made.append(button("Send…", Verb.SEND_SUGGESTION.value, str(card.ticket)))
    if Verb.REPLY in card.actions:
        made.append(button("Edit…", EDIT_SUGGESTION, str(card.ticket)))
    row = [actions(made, f"suggestion-{card.ticket}")] if made else []
    return [context(":bulb: **The assistant suggests**"), *text, *rest, *row]


def _whole(card: Card) -> Block:
    """Where a long message goes on, so that one card does not fill the channel."""
    made = {**section("*… it goes on.*"), "block_id": f"whole-{card.ticket}"}
    return {**made, "accessory": button("Read all", READ, str(card.ticket))}


def fallback(card: Card) -> str:
    """The line that notifications and screen readers get, as mrkdwn."""
    line = f"{words(card.reference)} {words(clip(card.title, 200))} ({words(clip(card.requester, 100))})"
    return str(mrkdwn(line, 1000)["text"])


def _facts(card: Card, known: Background) -> list[Block]:
    own = [(label, _told(label, value, known)) for label, value in card.fields]
    pairs = [("From", words(clip(card.requester, MAX_FIELD_SHOWN))), *own]
    shown = [(clip(label, 40), clip(value, MAX_FIELD_SHOWN)) for label, value in pairs[:MAX_SHOWN]]
    return fields(shown)


def _told(label: str, value: str, known: Background) -> str:
    """A fact in the words that people use."""
    if label == "Owner" and known.owner:
        return brief(known.owner, 80)
    if label == "Channel":
        return CHANNELS.get(value, value)
    return value.replace("_", " ") if label == "Status" else value


def _trouble(card: Card, known: Background) -> list[Block]:
    """The last answer did not arrive: why, and a button that sends it again."""
    failed = known.failed
    if failed is None:
        return []
    what = "was not delivered" if failed.state is SendState.FAILED else "may not have arrived"
    why = f": {brief(failed.reason, 300)}" if failed.reason else "."
    made = {**section(f":warning: **The last answer {what}**{why}"), "block_id": f"failed-{failed.id}"}
    if failed.send and card.actions:
        made["accessory"] = button("Send again", Verb.RETRY.value, f"{card.ticket}:{failed.send}")
    return [made]


def _behind(card: Card, known: Background) -> list[Block]:
    """What the same person asked before, and how the like was solved."""
    blocks = []
    if known.tickets:
        count = "1 other ticket" if known.tickets == 1 else f"{known.tickets} other tickets"
        past = " · ".join(f"{_linked(card, line)} ({words(line.status)})" for line in known.history)
        blocks.append(context(f"**History:** {count}: {past}"))
    if known.similar:
        lines = (
            _linked(card, line) + (f": {brief(line.how, 90)}" if line.how else "") for line in known.similar
        )
        blocks.append(context(f"**Similar, solved:** {' · '.join(lines)}"))
    return blocks


def _linked(card: Card, line: PastLine) -> str:
    """Another ticket's name, with its page on the desk where this card has one."""
    base, _, number = card.link.rpartition("/")
    name = (
        f"[{line.reference}]({base}/{line.id})"
        if _usable(card.link) and number == str(card.ticket)
        else line.reference
    )
    return f"{name} {brief(line.subject, 60)}".strip()


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
