"""Commands about the members of the desk: add, list, deactivate, and the one-time link by which they sign in."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.cli.opened import opened_deskgate
from gateway.clock import to_ms
from gateway.errors import Refused
from gateway.model import Agent, Role

if TYPE_CHECKING:
    from gateway.app import Deskgate

_ID = re.compile(r"^[a-z0-9][a-z0-9._-]{0,39}$")
_SLACK = re.compile(r"^[TE][A-Z0-9]+:[UW][A-Z0-9]+$")


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds `agents` and `sign-in` to the command line."""
    agents = commands.add_parser("agents", help="the members of the desk").add_subparsers(
        required=True, metavar="COMMAND"
    )
    add = agents.add_parser("add", help="add a member, or change one")
    add.add_argument("id", help="short name, such as ana; stays the same for ever")
    add.add_argument("--name", default="", help="name that customers and colleagues see (default: the id)")
    add.add_argument("--role", choices=[role.value for role in Role], default="agent")
    add.add_argument("--email", default="", help="where a sign-in link may go")
    add.add_argument("--slack", default="", metavar="TEAM:USER", help="Slack ids, such as T0123:U0456")
    add.add_argument(
        "--language", action="append", default=[], help="language they answer in, such as sl; repeat it"
    )
    add.add_argument(
        "--skill", action="append", default=[], help="tag or queue that they know about; repeat it"
    )
    config_option(add)
    add.set_defaults(command=with_deskgate(_add))

    listed = agents.add_parser("list", help="who may work here")
    config_option(listed)
    listed.set_defaults(command=with_deskgate(_list))

    stop = agents.add_parser("deactivate", help="somebody may work here no longer")
    stop.add_argument("id")
    config_option(stop)
    stop.set_defaults(command=with_deskgate(_deactivate))

    away = agents.add_parser("away", help="somebody is away until a time, or back")
    away.add_argument("id")
    away.add_argument("until", nargs="?", default="", help="2027-03-31T18:00+01:00; left out: they are back")
    away.add_argument("--give-back", action="store_true", help="their open tickets go back to the queues")
    config_option(away)
    away.set_defaults(command=with_deskgate(_away))

    link = commands.add_parser("sign-in", help="print a one-time link to the desk for a member")
    config_option(link)
    link.add_argument("id", nargs="?", default="admin", help="id of the member (default: admin)")
    link.set_defaults(command=with_deskgate(_sign_in))


Work = Callable[["Deskgate", argparse.Namespace], Awaitable[int]]


def with_deskgate(work: Work) -> Callable[[argparse.Namespace], int]:
    """A command that needs the store: opened before, closed after."""

    async def opened(options: argparse.Namespace) -> int:
        async with opened_deskgate(options.config) as deskgate:
            return await work(deskgate, options)

    return lambda options: asyncio.run(opened(options))


async def _add(deskgate: Deskgate, options: argparse.Namespace) -> int:
    if not _ID.match(options.id):
        return _say(f"{options.id!r} is no id: use small letters, digits, dot and dash, such as ana.")
    if options.slack and not _SLACK.match(options.slack):
        return _say(f"{options.slack!r} is no Slack id: write TEAM:USER, such as T0123456:U0123456.")
    known = await deskgate.store.agent(options.id)
    agent = Agent(
        id=options.id,
        name=options.name or (known.name if known else options.id),
        role=Role(options.role),
        email=options.email.lower() or (known.email if known else ""),
        slack_id=options.slack or (known.slack_id if known else ""),
        languages=tuple(options.language) or (known.languages if known else ()),
        skills=tuple(skill.lower() for skill in options.skill) or (known.skills if known else ()),
        away_until=known.away_until if known else None,
    )
    for other in await deskgate.store.agents():
        if other.id != agent.id and (other.slack_id and other.slack_id == agent.slack_id):
            return _say(f"{agent.slack_id} belongs to {other.id} already.")
        if other.id != agent.id and (other.email and other.email == agent.email):
            return _say(f"{agent.email} belongs to {other.id} already.")
    await deskgate.store.add_agent(agent, to_ms(deskgate.clock.now()))
    print(
        f"{'Changed' if known else 'Added'} {agent.name} ({agent.role}). They sign in with this link, once:"
    )
    print(deskgate.policy.public_url + await deskgate.sign_in_link(agent.id))
    return 0


async def _list(deskgate: Deskgate, options: argparse.Namespace) -> int:
    for agent in await deskgate.store.agents():
        away = (
            f"  (away until {agent.away_until:%Y-%m-%d %H:%M} UTC)"
            if agent.away(deskgate.clock.now())
            else ""
        )
        more = "  ".join(filter(None, (", ".join(agent.languages), ", ".join(agent.skills))))
        state = (f"  {more}" if more else "") + (away if agent.active else "  (deactivated)")
        print(
            f"{agent.id:16} {agent.role:6} {agent.name:24} {agent.email:30} {agent.slack_id}{state}".rstrip()
        )
    return 0


async def _deactivate(deskgate: Deskgate, options: argparse.Namespace) -> int:
    try:
        print(await deskgate.members.deactivate("command line", options.id))
    except Refused as refusal:
        return _say(str(refusal))
    return 0


async def _away(deskgate: Deskgate, options: argparse.Namespace) -> int:
    until = None
    if options.until:
        try:
            until = datetime.fromisoformat(options.until)
        except ValueError:
            return _say(f"{options.until!r} is no time: write 2027-03-31T18:00+01:00, or 2027-03-31.")
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
    by = Agent(id="command line", name="", role=Role.ADMIN)
    try:
        print(await deskgate.members.set_away(by, options.id, until, give_back=options.give_back))
    except Refused as refusal:
        return _say(str(refusal))
    return 0


async def _sign_in(deskgate: Deskgate, options: argparse.Namespace) -> int:
    if await deskgate.store.agent(options.id) is None:
        return _say(
            f"There is no member {options.id!r} of this desk. Add them: deskgate agents add {options.id}"
        )
    print(deskgate.policy.public_url + await deskgate.sign_in_link(options.id))
    return 0


def _say(problem: str) -> int:
    print(problem, file=sys.stderr)
    return 1
