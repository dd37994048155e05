"""A mail that a colleague passes on: the original sender is proposed, and a person says who the requester is."""

from __future__ import annotations

import msgspec

from gateway.context import Context
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.escalation.hand_off import refresh_card
from gateway.model import Agent, AgentAction, Message, Participant, Side

#: Role of the proposed requester until somebody has decided, and of one who was not taken.
PROPOSED, PASSED_OVER = "proposed", "passed_over"
#: The choice that leaves the colleague who forwarded it as the requester.
SENDER = "sender"


def propose(draft: Draft, message: Message, agent: Agent | None) -> bool:
    """Puts the original sender beside the ticket, when an agent forwards and the mail says who wrote; else False."""
    original = message.forwarded_from
    known = {p.identity.key for p in draft.participants}
    if agent is None or original is None or message.vouched == "fail" or original.key in known:
        return False
    draft.join(Participant(identity=original, role=PROPOSED))
    draft.set_bot(machine=True)  # nothing automatic until it is known who reads it
    draft.event("requester_proposed", agent=agent.id)
    return True


def undecided(participants: tuple[Participant, ...] | list[Participant]) -> Participant | None:
    """The proposed requester about whom nobody has decided."""
    return next((p for p in participants if p.role == PROPOSED), None)


def refuse_while_undecided(draft: Draft) -> None:
    """Raises Refused: nothing goes out before it is known to whom."""
    if who := undecided(draft.participants):
        raise Refused(
            f"This was forwarded by a colleague. Choose first who the requester is: {who.identity.label}, "
            "or the colleague."
        )


def choose(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """An agent says who the requester is: the original sender, or whoever forwarded it."""
    proposed, leg = undecided(draft.participants), draft.leg(Side.REQUESTER)
    if proposed is None or leg is None:
        raise Refused("There is nobody to choose from.")
    if action.value not in (SENDER, proposed.identity.value):
        raise Refused("Choose one of those offered.")
    taken = action.value != SENDER
    draft.recast(proposed, "requester" if taken else PASSED_OVER)
    if taken:
        for colleague in [
            p for p in draft.participants if p.role == "requester" and p.identity != proposed.identity
        ]:
            draft.recast(colleague, "forwarded")
        draft.arrive(
            Side.REQUESTER,
            msgspec.structs.replace(leg.address, conversation=proposed.identity.value, thread=""),
        )
    draft.set_bot(machine=False)
    draft.event("requester_chosen", by=agent.id, original=taken)
    refresh_card(draft, context.policy)
    return f"Answers go to {proposed.identity.value if taken else leg.address.conversation} now."
