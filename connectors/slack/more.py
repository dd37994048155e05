"""What stands behind a card's More…: every other verb that can be used now, and how the last answers fared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.slack.blocks import Block, actions, brief, button, clip, context, section, words
from connectors.slack.memory import Memory
from connectors.slack.modals import PICK, RETRY, UNDO, list_form
from gateway.model import Entry, EntryKind, Group, SendState, TicketPage, VerbForm

HEADINGS: Mapping[str, str] = {
    Group.ANSWER: "Answer",
    Group.OWN: "Whose it is",
    Group.ASK: "Ask somebody",
    Group.HAND_OVER: "Pass it on",
    Group.LATER: "Later",
    Group.SORT: "Sort it",
    Group.INCIDENT: "One matter of many people",
    Group.LEARN: "Learn from it",
    Group.MEND: "Put right what belongs elsewhere",
}
#: What each delivery state means to an agent.
DELIVERY: Mapping[SendState, str] = {
    SendState.HELD: "not sent yet, can be undone",
    SendState.QUEUED: "waiting to be sent",
    SendState.SENDING: "being sent",
    SendState.ACCEPTED: "sent",
    SendState.DELIVERED: "delivered",
    SendState.FAILED: "not delivered",
    SendState.WITHDRAWN: "taken back, not sent",
    SendState.UNCERTAIN: "may or may not have arrived",
}
AGAIN = (SendState.FAILED, SendState.UNCERTAIN)
SHOWN = 3  #: answers whose fate is shown


def more_form(memory: Memory, page: TicketPage) -> Block:
    """The verbs by group, with a line on each, then the last answers with their fate."""
    blocks: list[Block] = []
    for group in Group:
        if forms := [form for form in page.verbs if form.group is group]:
            blocks += _group(group, forms, page.ticket.id)
    if not blocks:
        blocks = [section("There is nothing that you can do with this ticket now.")]
    return list_form(f"{page.ticket.reference}: more", [*blocks, *replies(page)], memory)


def _group(group: Group, forms: Sequence[VerbForm], ticket: int) -> list[Block]:
    made = [
        button(f"{form.title}…" if form.fields else form.title, f"{PICK}{form.verb}", str(ticket))
        for form in forms
    ]
    explained = [f"**{words(form.title)}**: {words(form.explain)}" for form in forms if form.explain]
    lines = [context(clip(" ".join(explained), 2500))] if explained else []
    return [section(f"**{HEADINGS.get(group, 'More')}**"), actions(made, f"more-{group}"), *lines]


def replies(page: TicketPage) -> list[Block]:
    """The last answers of agents, each with how far it came and what can be done about it."""
    sent = [entry for entry in page.entries if entry.kind is EntryKind.REPLY and entry.state][-SHOWN:]
    if not sent:
        return []
    return [section("**The last answers**"), *(_reply(entry, page.ticket.id) for entry in reversed(sent))]


def _reply(entry: Entry, ticket: int) -> Block:
    start = entry.text.strip() or "(files only)"
    fate = DELIVERY[entry.state] if entry.state else ""
    why = f": {brief(entry.reason, 300)}" if entry.reason and entry.state in AGAIN else ""
    line = f"{brief(entry.author, 60)}: “{brief(start, 120)}” · **{fate}**{why}"
    made = {**section(line), "block_id": f"reply-{entry.id}"}
    if entry.send and entry.state in AGAIN:
        made["accessory"] = button("Send again", RETRY, f"{ticket}:{entry.send}")
    if entry.send and entry.state is SendState.HELD:
        made["accessory"] = button("Undo", UNDO, f"{ticket}:{entry.send}", style="danger")
    return made
