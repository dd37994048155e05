"""Tickets, queues and people as lines of a list, for the home and the command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.slack.acting import CHANNELS
from connectors.slack.blocks import Block, brief, button, context, section
from connectors.slack.modals import MORE
from gateway.model import Verb
from gateway.overviews import MemberLine, Team
from gateway.views import QueueLine, TicketLine

MARKS = {"urgent": ":red_circle: ", "high": ":large_orange_circle: "}


def ticket_block(
    line: TicketLine, now: datetime, action: tuple[str, str] = ("Open…", MORE), prefix: str = ""
) -> Block:
    """One ticket with a button. action: its label and action id; the button carries the ticket's number."""
    subject = brief(line.subject or line.excerpt or "No subject", 90)
    channel = CHANNELS.get(line.channel, line.channel)
    facts = (
        brief(line.requester or "Unknown", 60),
        channel,
        line.status.replace("_", " "),
        brief(line.assignee, 40) or "no owner",
        f"{since(line.created_at, now)} old",
    )
    text = (
        f"{MARKS.get(line.priority, '')}**{line.reference}** {subject}\n{' · '.join(f for f in facts if f)}"
    )
    label, action_id = action
    made = section(text)
    return {
        **made,
        "block_id": f"{prefix}ticket-{line.id}",
        "accessory": button(label, action_id, str(line.id)),
    }


def queue_lines(queues: Sequence[QueueLine], now: datetime) -> list[Block]:
    """The queues with how much waits in each, those with most first."""
    if not queues:
        return []
    lines = []
    for queue in sorted(queues, key=lambda each: -each.unassigned):
        oldest = f", oldest {since(queue.oldest, now)}" if queue.oldest and queue.open else ""
        lines.append(
            f"**{brief(queue.title, 60)}**: {queue.open} open, {queue.unassigned} without owner{oldest}"
        )
    return [context("\n".join(lines[start : start + 12])) for start in range(0, len(lines), 12)][:5]


def member_line(member: MemberLine, now: datetime) -> str:
    """One member's load, as Markdown."""
    oldest = f", oldest {since(member.oldest, now)}" if member.oldest else ""
    pending = f", {member.pending} wait for others" if member.pending else ""
    return f"**{brief(member.agent.name or member.agent.id, 60)}**: {member.open} open{pending}{oldest}"


def since(at: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    minutes = max(0, int((now - at).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def team_blocks(team: Team, now: datetime) -> list[Block]:
    """How the team stands: what waits, for how long, who has how much, and a way to reassign."""
    oldest = team.oldest[0].created_at if team.oldest else None
    blocks = [section("**The team**"), context(_totals(team, oldest, now))]
    blocks += _members(team, now)
    if team.breaching:
        blocks.append(section(":rotating_light: **Promises broken, or about to be**"))
        blocks += [
            ticket_block(line, now, ("Reassign…", Verb.ASSIGN.value), "late-") for line in team.breaching
        ]
    if team.oldest:
        blocks.append(section("**Waiting longest**, those without an owner first"))
        blocks += [ticket_block(line, now, ("Reassign…", Verb.ASSIGN.value), "old-") for line in team.oldest]
    return blocks


def _totals(team: Team, oldest: datetime | None, now: datetime) -> str:
    waited = f" · the oldest is {since(oldest, now)} old" if oldest else ""
    late = f" · **{len(team.breaching)} late or nearly**" if team.breaching else ""
    return f"{team.waiting} wait for us · {team.unassigned} without owner{waited}{late}"


def _members(team: Team, now: datetime) -> list[Block]:
    lines = [member_line(member, now) for member in team.members]
    return [context("\n".join(lines[start : start + 15])) for start in range(0, len(lines), 15)][:6]
