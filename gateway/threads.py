"""Which ticket a message continues, and why. Pure: candidates in, a decision with its reason out."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.case import Case, Folder
from gateway.model import Message, Side, Status
from gateway.policy import Policy
from gateway.privacy import mask
from gateway.text.reply import strip_subject

#: Characters of a ticket's subject.
SUBJECT = 120


class Join(StrEnum):
    """How a message relates to the tickets we have."""

    NEW = "new"
    CONTINUES = "continues"
    RELATED = "related"  # a new ticket that points to another
    COPY = "copy"  # the same message by another door: nothing to add


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """The decision: which ticket (0 for none), and the reason that is shown on it."""

    join: Join
    ticket: int = 0
    reason: str = ""


def choose(message: Message, case: Case, policy: Policy) -> Thread:
    """Finds the ticket by the strongest key, then checks that the sender and the topic belong to it."""
    if message.message_key and message.version in case.seen.get(message.message_key, {}):
        return Thread(
            join=Join.COPY,
            ticket=case.seen[message.message_key][message.version],
            reason="The same message again.",
        )
    for key in (*message.refers_to, *conversation_keys(message, policy)):
        folder = case.folders.get(case.keys.get(key, 0))
        if folder is not None:
            return _belongs(message, folder, key, policy)
    return Thread(join=Join.NEW, reason="It refers to no ticket that we know.")


def conversation_keys(message: Message, policy: Policy) -> tuple[str, ...]:
    """The place itself is a key where a thread is named, or where the channel has no threads."""
    if message.address.thread or not policy.account(message.address).threaded:
        return (f"at:{message.address.key}",)
    return ()


def _belongs(message: Message, folder: Folder, key: str, policy: Policy) -> Thread:
    ticket, how = folder.ticket, _spoken(key)
    if not _knows(message, folder):
        return _related(ticket.id, f"It {how} of {ticket.reference}, but the sender is not on that ticket.")
    if message.vouched == "fail":
        return _related(
            ticket.id, f"It {how} of {ticket.reference}, but the mail host takes its sender for forged."
        )
    if message.imported and ticket.status is not Status.CLOSED:
        return _related(ticket.id, f"{ticket.reference} is being worked on: older mail is kept beside it.")
    if ticket.status is Status.CLOSED and not message.imported:
        return _related(ticket.id, f"{ticket.reference} is closed.")
    if key.startswith("at:") and not message.address.thread:
        silence = message.at - ticket.updated_at
        if silence > policy.idle_window:
            hours = int(silence.total_seconds() // 3600)
            return _related(ticket.id, f"The chat was silent for {hours} hours.")
    elif _changed_topic(message, folder):
        return _related(ticket.id, f"It {how} of {ticket.reference}, but under another subject.")
    return Thread(join=Join.CONTINUES, ticket=ticket.id, reason=f"It {how} of {ticket.reference}.")


def _related(ticket: int, reason: str) -> Thread:
    return Thread(join=Join.RELATED, ticket=ticket, reason=reason)


def _spoken(key: str) -> str:
    kind = key.partition(":")[0]
    return {
        "ref": "came to the reply address",
        "mid": "answers a mail",
        "subj": "names the reference",
        "at": "came by the conversation",
        "near": "came shortly after a message",
    }.get(kind, "refers to a message")


def _knows(message: Message, folder: Folder) -> bool:
    """A reference alone never lets a stranger in: the sender must be on the ticket."""
    if any(p.identity.key == message.sender.key for p in folder.participants):
        return True
    # In a shared conversation (a channel's thread) the place is the membership.
    here = (leg for leg in folder.legs if leg.side is Side.REQUESTER and leg.address == message.address)
    return bool(message.address.thread) and any(here)


def _changed_topic(message: Message, folder: Folder) -> bool:
    if not message.subject.strip() or not folder.ticket.subject:
        return False
    before, after = strip_subject(folder.ticket.subject), strip_subject(subject_of(message))
    return before.casefold() != after.casefold()


def subject_of(message: Message) -> str:
    """What a ticket that this message opens is called: masked, short, without our own reference.

    A chat has no subject: its first words are what the desk's lists show.
    """
    plain = _without_reference(message.subject.strip()) or message.text[:400]
    line = " ".join(mask(plain).text.split())
    return line if len(line) <= SUBJECT else line[: SUBJECT - 1].rstrip() + "…"


def _without_reference(subject: str) -> str:
    head, bracket, tail = subject.rpartition("[DG-")
    return head + tail.partition("]")[2] if bracket else subject
