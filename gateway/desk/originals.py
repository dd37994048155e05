"""What was masked: unmasked where it is not sensitive after all, or looked at by somebody, on the record."""

from __future__ import annotations

import msgspec

from gateway.context import Context
from gateway.desk.acting import note_if_any
from gateway.desk.situation import may_open
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.escalation.hand_off import move
from gateway.model import Agent, AgentAction
from gateway.policy import Policy
from gateway.privacy.masking import is_masked
from gateway.triage.routing import consider, route


def not_sensitive(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """What was masked was no secret: the words come back, and the ticket goes where it belongs by them."""
    _check(agent, context.policy)
    originals = context.originals.get(draft.ticket.id, {})
    if not originals and not draft.ticket.protected:
        raise Refused("Nothing is masked here.")
    note_if_any(draft, context, action, agent, ledger_id)
    for entry, original in originals.items():
        draft.rewrite(entry, original.text, original.full_text)
    subject = next((o.subject for o in originals.values() if o.subject), "")
    if subject and is_masked(draft.ticket.subject):
        draft.set(subject=subject[:120])
    draft.set(protected=False)
    draft.set_work(cleared=True)
    draft.event("unmasked", by=agent.id, entries=sorted(originals))
    queue = context.policy.queues.get(draft.ticket.queue)
    if queue is None or not queue.protected:
        return _readable(len(originals))
    said = "\n\n".join(original.text for original in originals.values()) or None
    fresh = msgspec.structs.replace(draft.ticket, queue="")
    named = action.queue if action.queue in context.policy.queues else ""
    to = route(fresh, context.policy, consider(draft, context.policy, said).verdict, article_queue=named)
    if named:
        to = msgspec.structs.replace(to, queue=named, tier=context.policy.queues[named].tier, rule="agent")
    draft.set(assignee="")
    move(draft, context.policy, to)
    return f"{draft.ticket.reference} is with {context.policy.queues[to.queue].title} now, unmasked."


def _readable(count: int) -> str:
    return (
        f"{count} messages are readable again." if count else "No original is left: the values stay masked."
    )


def show(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> str:
    """Somebody looks at the sealed original of a message; who did is on the ticket for good."""
    _check(agent, context.policy)
    line = context.lines.get(action.entry)
    if line is None or line.ticket != draft.ticket.id:
        raise Refused("Choose a message of this ticket.")
    draft.event("original_shown", by=agent.id, entry=action.entry)
    return "It is on the record that you have looked at the original."


def _check(agent: Agent, policy: Policy) -> None:
    if not may_open(agent, policy):
        raise Refused("Originals are for members of the confidential queue and for leads.")
