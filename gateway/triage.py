"""Where a ticket goes when people take it: ordered rules, the first match stops, and the explanation of it."""

from __future__ import annotations

import msgspec

from gateway.model import Priority, Ticket
from gateway.policy import Policy


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The queue with its tier, the rule that chose it, and the rules that were tried before."""

    queue: str
    tier: int
    priority: Priority
    rule: str
    tried: tuple[str, ...] = ()


def route(ticket: Ticket, policy: Policy, *, article_queue: str = "", account_queue: str = "") -> Route:
    """Protected matters first, then the queue the ticket has, the article's, the account's, the default."""
    choices = (
        ("protected", policy.protected_queue if ticket.protected else ""),
        ("has-queue", ticket.queue),
        ("article", article_queue),
        ("account", account_queue),
        ("default", policy.default_queue),
    )
    tried: list[str] = []
    for rule, name in choices:
        tried.append(rule)
        if name in policy.queues:
            queue = policy.queues[name]
            return Route(queue=name, tier=queue.tier, priority=ticket.priority, rule=rule, tried=tuple(tried))
    raise AssertionError("the default queue is checked when settings are read")
