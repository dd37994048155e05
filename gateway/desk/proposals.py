"""What an agent proposes, on one ticket or many: a new one by hand, the next one, an incident, a selection."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.context import Context
from gateway.desk import act as desk
from gateway.desk import by_hand
from gateway.model import ActionResult, AgentAction, Verb, reference

#: Tickets that one action may concern.
MOST = 200


def act(context: Context, action: AgentAction, number: int, ledger_id: int) -> ActionResult:
    """Does it on every ticket that is meant; `number`: the ticket that the action names, 0 for none."""
    if action.verb is Verb.NEW:
        return by_hand.open_ticket(context, action, ledger_id)
    detail = "There is no such ticket."
    if action.verb is Verb.NEXT:
        number, detail = desk.next_ticket(context, action)
    if not number or context.peek(number) is None:
        return ActionResult(state="refused", detail=detail)
    others = [] if action.verb is Verb.INCIDENT else _others(context, action, number)
    if len(others) >= MOST:
        return ActionResult(state="refused", detail=f"At most {MOST} tickets at once.", ticket=number)
    results = [_one(context, action, each, ledger_id) for each in (number, *others)]
    return results[0] if len(results) == 1 else _sum(results, number)


def _one(context: Context, action: AgentAction, number: int, ledger_id: int) -> ActionResult:
    draft = context.reach(number)
    if draft is None:
        return ActionResult(state="refused", detail="There is no such ticket.", ticket=number)
    return desk.act(draft, context, action, ledger_id)


def _others(context: Context, action: AgentAction, number: int) -> list[int]:
    """The other tickets of a selection, or of the incident."""
    named = [each for each in action.also if each != number]
    if action.everyone and (ticket := context.peek(number)) and ticket.incident:
        named += [each for each in context.members(ticket.incident) if each != number]
    return list(dict.fromkeys(named))


def _sum(results: Sequence[ActionResult], number: int) -> ActionResult:
    """One sentence for many: how many were done, and which were not and why."""
    refused = [result for result in results if result.state == "refused"]
    done = len(results) - len(refused)
    lines = [f"{done} of {len(results)} done."]
    lines += [f"{reference(result.ticket)}: {result.detail}" for result in refused[:10]]
    return ActionResult(state="done" if done else "refused", detail=" ".join(lines), ticket=number)
