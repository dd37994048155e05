"""Mail from before we were connected: agents find it on closed tickets; nobody is told of it and nothing is sent."""

from __future__ import annotations

from gateway.draft import Draft
from gateway.model import Message, Speaker, Status
from gateway.policy import Policy


def file_away(draft: Draft, message: Message, policy: Policy) -> None:
    """Closes the ticket that this message opened, in the queue where such mail belongs."""
    if draft.folder.ticket.version or draft.ticket.status is Status.CLOSED:
        return  # it continues a closed ticket
    usual = policy.account(message.address).queue or policy.default_queue
    draft.set(
        status=Status.CLOSED,
        speaker=Speaker.NOBODY,
        queue=policy.protected_queue if draft.ticket.protected else usual,
        created_at=message.at,
    )
    draft.event("imported", written=message.at.isoformat(timespec="seconds"))
