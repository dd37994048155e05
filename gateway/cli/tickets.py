"""`deskgate tickets`: a ticket with its decisions, and putting right what was put where it does not belong."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from gateway.model import ActionResult, AgentAction, TicketPage
    from gateway.store import Store

_WITHIN = 5.0  #: seconds that a running Deskgate gets to do it
#: What the decisions about a conversation are, of all that happened to a ticket.
_DECISIONS = ("opened", "imported", "threaded", "corrected", "authenticated", "copy")


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds `tickets show | split | move | merge | restore`."""
    tickets = commands.add_parser("tickets", help="look at a ticket; split, move and merge conversations")
    verbs = tickets.add_subparsers(required=True, metavar="COMMAND")
    for name, words in (
        ("show", "its messages with their numbers, and why each is here"),
        ("split", "a message and what came after it become a ticket of their own"),
        ("move", "one message belongs to another ticket"),
        ("merge", "all of it belongs to another ticket"),
        ("restore", "take back the last split, move or merge of a ticket"),
    ):
        verb = verbs.add_parser(name, help=words)
        verb.add_argument("ticket", type=number, metavar="TICKET", help="its reference, such as DG-42")
        if name in ("split", "move"):
            verb.add_argument("--message", type=int, required=True, metavar="N", help="its number in `show`")
        if name in ("move", "merge"):
            verb.add_argument("--to", type=number, required=True, metavar="TICKET", help="the other ticket")
        if name != "show":
            verb.add_argument(
                "--as", dest="agent", default="", metavar="AGENT", help="who does it (default: the admin)"
            )
        config_option(verb)
        verb.set_defaults(command=_show if name == "show" else _correct, verb=name)


def number(reference: str) -> int:
    """42 for "DG-42". Raises ValueError."""
    return int(reference.strip().upper().removeprefix("DG-"))


def _show(options: argparse.Namespace) -> int:
    async def work() -> TicketPage | None:
        async with _store(options) as store:
            return await store.ticket_page(options.ticket)

    page = asyncio.run(work())
    if page is None:
        print(f"There is no ticket DG-{options.ticket}.")
        return 1
    print(f"{page.ticket.reference}  {page.ticket.status}  {page.ticket.subject}")
    for entry in page.entries:
        print(f"\n{entry.id:>8}  {entry.at:%Y-%m-%d %H:%M}  {entry.author or 'the assistant'} ({entry.kind})")
        print(textwrap.indent(textwrap.shorten(entry.text, 300, placeholder=" …"), " " * 10))
    print("\nWhy it is so:")
    for event in page.events:
        if event.kind in _DECISIONS:
            facts = ", ".join(
                f"{name}: {value}" for name, value in event.data.items() if value not in ("", 0)
            )
            print(f"  {event.at:%Y-%m-%d %H:%M}  {event.kind.replace('_', ' ')}  {facts}")
    return 0


def _correct(options: argparse.Namespace) -> int:
    async def work() -> int:
        async with _store(options) as store:
            agent = await _who(store, options.agent)
            result = await _done(store, options, _action(options, agent))
        if result is None:
            print("It is kept, and done as soon as Deskgate runs.")
            return 0
        print(result.detail)
        return int(result.state == "refused")

    return asyncio.run(work())


def _action(options: argparse.Namespace, agent: str) -> AgentAction:
    from gateway.clock import SystemClock
    from gateway.model import AgentAction, Identity, Verb

    return AgentAction(
        connector="desk",
        account="command line",
        delivery_key=secrets.token_hex(16),
        at=SystemClock().now(),
        actor=Identity(kind="agent", value=agent, verified=True),
        verb=Verb(options.verb),
        ticket=options.ticket,
        entry=getattr(options, "message", 0),
        other=getattr(options, "to", 0),
    )


async def _who(store: Store, wanted: str) -> str:
    """The member of the desk in whose name it is done. Raises Refused."""
    from gateway.errors import Refused
    from gateway.model import Role

    team = [agent for agent in await store.agents() if agent.active]
    admins = [agent.id for agent in team if agent.role is Role.ADMIN]
    if wanted and wanted in {agent.id for agent in team}:
        return wanted
    if wanted or not admins:
        raise Refused(
            f"There is no member {wanted!r} of the desk." if wanted else "Nobody is on the desk yet."
        )
    return admins[0]


async def _done(store: Store, options: argparse.Namespace, action: AgentAction) -> ActionResult | None:
    """What a running Deskgate made of it; None when none runs."""
    from gateway.clock import SystemClock
    from gateway.model import ActionResult, Delivery
    from gateway.privacy import Seal, installation_key
    from gateway.privacy.sealing import seal_row
    from gateway.settings import load

    seal = Seal(
        installation_key(os.environ.get("DESKGATE_KEY", ""), load(options.config, os.environ).store.key_file)
    )
    (receipt,) = await store.take([seal_row(Delivery(input=action), seal, SystemClock().now())])
    waited = 0.0
    while waited < _WITHIN:
        if found := await store.result(receipt.ledger_id):
            return msgspec.json.decode(found, type=ActionResult)
        await asyncio.sleep(0.1)
        waited += 0.1
    return None


@asynccontextmanager
async def _store(options: argparse.Namespace) -> AsyncIterator[Store]:
    from gateway.settings import load
    from gateway.store import Store, open_driver

    store = Store(open_driver(load(options.config, os.environ).store.database))
    await store.open()
    try:
        yield store
    finally:
        await store.close()
