"""Who else stands on a mail: who gets a copy of the answer, and when so many talk that the bot is silent."""

from __future__ import annotations

from gateway.model import Message, Participant
from gateway.policy import Policy

#: More people than this is an announcement: nobody of them is answered beside the sender.
MAX_COPIES = 20
#: From so many people on, beside us, it is a talk in which the bot has no place.
CROWD = 3


def others(message: Message, policy: Policy) -> tuple[str, ...]:
    """The addresses in To and Cc that are neither ours nor the sender's: they get a copy of the answer."""
    found = tuple(
        address
        for address in dict.fromkeys(message.recipients)
        if "@" in address and address != message.sender.value and not ours(address, policy)
    )
    return found if len(found) <= MAX_COPIES else ()


def ours(address: str, policy: Policy) -> bool:
    """Whether an address is one of our mailboxes or a plus form of one (RFC 5233)."""
    local, at, domain = address.rpartition("@")
    return address in policy.own_addresses or f"{local.partition('+')[0]}{at}{domain}" in policy.own_addresses


def why_silent(message: Message, participants: list[Participant], policy: Policy) -> str:
    """The cause for which nothing automatic answers this, "" when the bot may: a code of escalation.CAUSES."""
    if message.vouched == "fail":
        return "forged"  # an answer would go to somebody who never wrote
    if message.copied and sum(ours(address, policy) for address in message.recipients) < 2:
        return "copied"
    if len(message.recipients) > MAX_COPIES:
        return "crowd"
    asking = {p.identity.value for p in participants if p.role == "requester" and p.identity.kind == "email"}
    talking = {message.sender.value, *others(message, policy), *asking}
    return "crowd" if message.sender.kind == "email" and len(talking) >= CROWD else ""
