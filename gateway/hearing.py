"""What a message writes on its ticket: a line that people read, masked; later versions of it; and its author's name."""

from __future__ import annotations

import msgspec

from gateway.case import LedgerRow
from gateway.context import Context
from gateway.draft import Draft
from gateway.escalation.hand_off import hand_off, tell_agents
from gateway.model import Deletion, Edit, Entry, EntryKind, Identity, Message
from gateway.privacy import mask


def write_down(draft: Draft, context: Context, row: LedgerRow, message: Message) -> Entry | None:
    """The line that a person reads, masked; None when the message adds none."""
    never = context.policy.never_mask
    text, full = mask(_spoken(message), never), mask(message.full_text, never)
    found = (*text.found, *full.found, *mask(message.subject, never).found)
    _protect(draft, context, sorted({*(finding.kind for finding in found), *message.masked}))
    attachments = tuple(
        msgspec.structs.replace(file, filename=mask(file.filename).text) for file in message.attachments
    )
    entry = Entry(
        kind=EntryKind.MESSAGE,
        at=message.at,
        author=named(message.sender).label,
        author_key=message.sender.key,
        text=text.text,
        full_text=full.text,
        attachments=attachments,
        message_key=message.message_key,
        version=message.version,
        ledger_id=row.id,
        reason=message.unreadable,
    )
    if not text.text and not message.attachments and not message.unreadable:
        return None  # an offered address is no line of the conversation
    draft.append(entry)
    if draft.ticket.queue and draft.folder.ticket.version and not message.imported:
        link = context.policy.ticket_link(draft.ticket.id)
        tell_agents(draft, text.text, author=entry.author, attachments=attachments, link=link)
    return entry


def write_change(draft: Draft, context: Context, row: LedgerRow, change: Edit | Deletion) -> None:
    """An edit is a further version, and a deletion takes nothing away: what an agent has read stays."""
    if isinstance(change, Edit):
        masked = mask(change.text, context.policy.never_mask)
        text = masked.text
        _protect(draft, context, sorted({*(finding.kind for finding in masked.found), *change.masked}))
        draft.append(
            Entry(
                kind=EntryKind.MESSAGE,
                at=change.at,
                author=change.sender.label,
                author_key=change.sender.key,
                text=text,
                message_key=change.message_key,
                version=change.version,
                ledger_id=row.id,
                reason="edited",
            )
        )
        tell_agents(draft, text, author=f"{change.sender.label} (edited)")
        draft.saw(change.message_key, change.version)
    else:
        tell_agents(draft, "*took a message back; it stays on the ticket.*", author=change.sender.label)
    draft.event("edited" if isinstance(change, Edit) else "deleted", message_key=change.message_key)


def _protect(draft: Draft, context: Context, kinds: list[str]) -> None:
    """A sensitive value was masked: from now on only the protected queue may see this ticket."""
    if not kinds:
        return
    draft.event("masked", kinds=kinds)
    if draft.ticket.protected:
        return
    draft.set(protected=True)
    if draft.ticket.queue:
        hand_off(draft, context.policy, "sensitive")


def named(identity: Identity) -> Identity:
    """People write card numbers even into their names."""
    return msgspec.structs.replace(identity, name=mask(identity.name).text)


def _spoken(message: Message) -> str:
    """What a person reads as the message: its text, or its subject when that is all there is."""
    return (
        message.text if message.text.strip() else ("" if message.choice or message.offer else message.subject)
    )
