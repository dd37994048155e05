"""`deskgate sla explain TICKET`: how much of each promise is used, stretch by stretch, and when it falls due."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds `sla` to the command line."""
    sla = commands.add_parser("sla", help="what is promised to requesters").add_subparsers(
        required=True, metavar="COMMAND"
    )
    explain = sla.add_parser("explain", help="the sum of a ticket's clocks, stretch by stretch")
    explain.add_argument("ticket", metavar="TICKET", help="number or reference, such as DG-42")
    config_option(explain)
    explain.set_defaults(command=_explain)


def _explain(options: argparse.Namespace) -> int:
    number = options.ticket.upper().removeprefix("DG-")
    if not number.isdigit() or len(number) > 15:
        print(f"{options.ticket!r} is no ticket: write DG-42, or 42.", file=sys.stderr)
        return 2
    return asyncio.run(_explained(options, int(number)))


async def _explained(options: argparse.Namespace, number: int) -> int:
    from gateway.cli.opened import opened_deskgate

    async with opened_deskgate(options.config) as deskgate:
        page = await deskgate.store.ticket_page(number)
        if page is None:
            print(f"There is no ticket DG-{number}.", file=sys.stderr)
            return 1
        print(*explained(page, deskgate.policy, deskgate.clock.now()), sep="\n")
    return 0


def explained(page: Any, policy: Any, now: datetime) -> Iterator[str]:
    """The lines that are printed."""
    from gateway.sla.promises import recorded
    from gateway.sla.sums import span, sums

    found = sums(page.ticket, page.events, policy, now)
    yield f"{page.ticket.reference}: {page.ticket.status}, priority {page.ticket.priority}"
    if not found:
        yield "Nothing is promised: no [sla.NAME] covers it, or it never came to people."
        return
    yield f"By [sla.{found[0].sla}], working time of [calendars.{found[0].calendar}], times in {found[0].zone}."
    for each in found:
        zone = ZoneInfo(each.zone)
        yield ""
        yield (
            f"{each.name}: {span(each.used)} of {span(each.target)} used, {each.state}"
            + (f"; due {_at(each.due, zone)}" if each.due else "")
            + (f"; broken since {_at(each.breached_at, zone)}" if each.breached_at else "")
        )
        for line in each.stretches:
            counted = span(line.counted) if line.what in ("ran", "late") else "–"
            yield f"  {_at(line.start, zone)} – {_at(line.end, zone)}  {line.what:7} {counted:>8}  {line.why}"
    if recorded(page.events) != {promise: tuple(m) for promise, m in page.ticket.watch.marks.items()}:
        yield "The marks kept with the ticket are not those of its events: please report this as a mistake."


def _at(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %d %b %Y %H:%M}"
