"""One ticket as blocks, outside of its card: what was said last, how the answers fared, what can be done."""

from __future__ import annotations

from connectors.slack.acting import addressee
from connectors.slack.blocks import Block, actions, brief, button, context, fold, header
from connectors.slack.modals import MORE
from connectors.slack.more import replies
from gateway.model import Entry, EntryKind, TicketPage, Verb

SAID = 4  #: lines of a conversation that are shown
ROOM = 1200  #: bytes for each of them
WHOLE = 20_000  #: bytes for the conversation where all of it is asked for
MOST = 90  #: blocks, of the hundred that a view may have
ON_TICKET = (
    (Verb.CLAIM, "Claim"),
    (Verb.REPLY, "Reply…"),
    (Verb.RESOLVE, "Resolve"),
    (Verb.REOPEN, "Reopen"),
)


def ticket_blocks(page: TicketPage, link: str) -> list[Block]:
    """One ticket: what it is about, what was said last, how the answers fared, what can be done."""
    ticket, ways = page.ticket, {form.verb for form in page.verbs}
    facts = (
        f"For {brief(addressee(page), 200)}",
        ticket.status.replace("_", " "),
        f"priority {ticket.priority}",
        f"owner {brief(ticket.assignee, 60)}" if ticket.assignee else "no owner",
        brief(", ".join(ticket.tags), 200),
    )
    said = [entry for entry in page.entries if entry.text or entry.attachments][-SAID:]
    buttons = [button(label, verb.value, str(ticket.id)) for verb, label in ON_TICKET if verb in ways]
    buttons += [button("More…", MORE, str(ticket.id)), button("Open on the desk", "open", "", url=link)]
    return [
        header(f"{ticket.reference} · {ticket.subject or 'No subject'}"),
        context(" · ".join(fact for fact in facts if fact)),
        *(block for entry in said for block in _said(entry, page)),
        *replies(page),
        actions(buttons, f"ticket-{ticket.id}"),
    ]


def _said(entry: Entry, page: TicketPage) -> list[Block]:
    blocks, complete = fold(entry.text, ROOM)
    rest = [] if complete else [context("… the rest is on the desk.")]
    return [_head(entry, page), *blocks[:3], *rest]


KINDS = {
    EntryKind.MESSAGE: "wrote",
    EntryKind.ANSWER: "automatic answer",
    EntryKind.NOTICE: "automatic notice",
    EntryKind.REPLY: "replied",
    EntryKind.NOTE: "private note",
}


def _head(entry: Entry, page: TicketPage) -> Block:
    author = entry.author or (page.requester if entry.kind is EntryKind.MESSAGE else "Assistant")
    files = f" · {len(entry.attachments)} file(s)" if entry.attachments else ""
    return context(f"**{brief(author, 80)}** · {KINDS[entry.kind]} · {entry.at:%Y-%m-%d %H:%M} UTC{files}")


def whole_blocks(page: TicketPage) -> list[Block]:
    """The conversation as far as a form holds it, the newest first."""
    blocks: list[Block] = []
    room = WHOLE
    for entry in reversed([entry for entry in page.entries if entry.text or entry.attachments]):
        body, complete = fold(entry.text, room, first=2500)
        room -= len(entry.text.encode())
        made = [_head(entry, page), *body, *([] if complete else [context("… the rest is on the desk.")])]
        if room < 0 or len(blocks) + len(made) > MOST:
            return [*blocks, *made[: MOST - len(blocks)], context("Earlier lines are on the desk.")]
        blocks += made
    return blocks or [context("Nothing was said yet.")]
