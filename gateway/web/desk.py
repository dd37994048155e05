"""The desk's pages: queues and tickets, one ticket with all that is known of it, and the desk's health."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from gateway.model import (
    Agent,
    EntryKind,
    Leg,
    SendState,
    Side,
    Status,
    TicketPage,
    TicketView,
    VerbForm,
)
from gateway.sla.sums import span
from gateway.views import IncidentLine, QueueLine, TicketFilter
from gateway.web.entrance import agent_of
from gateway.web.explain import explain
from gateway.web.render import page
from gateway.web.site import Site, identity_of, site_of

OPEN = (Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD)
DONE = (Status.RESOLVED, Status.CLOSED)

#: view -> title, statuses
VIEWS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "open": ("Open", OPEN),
    "mine": ("Mine", OPEN),
    "asked": ("Asked of me", ()),
    "done": ("Resolved", DONE),
    "all": ("All", ()),
}

#: Tickets on one page of a list.
PAGE = 40


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent has typed and not sent, and what is wrong with it."""

    verb: str = "note"
    text: str = ""
    typed: Mapping[str, str] = {}  #: field name -> what stands in it
    preview: bool = False
    original: tuple[int, str] = (0, "")  #: a line, and what it says unmasked
    everyone: bool = False  #: it goes to all of the incident
    problem: str = ""
    problems: Mapping[str, str] = {}  #: field name -> what is wrong with it


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk", tickets)
    app.router.add_get("/desk/ticket/{ticket:[0-9]{1,15}}", ticket)
    app.router.add_get("/desk/health", health)


async def tickets(request: web.Request) -> web.Response:
    """Queues with counts, and the tickets that a view, a queue and a search leave."""
    site, agent, query = site_of(request), agent_of(request), request.query
    view = query.get("view", "open")
    view = view if view in VIEWS else "open"
    queue = query.get("queue")
    text = query.get("q", "").strip()[:200]
    before = query.get("before", "0")
    sort, skip = query.get("sort", ""), query.get("skip", "0")
    sort, skip = sort if sort == "due" else "", skip if skip.isdigit() and len(skip) < 7 else "0"
    hidden = site.hidden_queues(agent)
    if view == "asked":  # who is asked sees what is not theirs, unless it is confidential
        hidden = tuple(name for name in hidden if name in site.protected)
    lines = await site.reads.ticket_lines(
        TicketFilter(
            queue=queue, statuses=VIEWS[view][1], assignee=agent.id if view == "mine" else "", text=text,
            asked=_asked(site, agent) if view == "asked" else (), hidden_queues=hidden, limit=PAGE,
            before=int(before) if before.isdigit() and not sort else 0, by_due=sort == "due", skip=int(skip),
        )
    )  # fmt: skip
    more = f"skip={int(skip) + PAGE}" if sort else f"before={lines[-1].id}" if lines else ""
    more = more if len(lines) == PAGE else ""
    if view == "open" and queue is None and not text:
        lines = [line for line in lines if line.queue]  # what the assistant has waits for nobody
    return page(
        request, "tickets.html", queues=await queues(request), lines=lines, view=view, views=VIEWS, queue=queue,
        query=text, more=more, nothing="nothing" in query, sort=sort,
    )  # fmt: skip


def _asked(site: Site, agent: Agent) -> tuple[str, ...]:
    """The names under which something may be asked of this agent."""
    return (f"agent:{agent.id}", *(f"queue:{name}" for name in site.asked_queues(agent)))


async def ticket(request: web.Request) -> web.Response:
    """One ticket; `?canned=NAME` puts a canned reply into the composer."""
    if "edit" in request.query:
        shown = await read_ticket(request)
        return await ticket_page(request, Draft(verb="reply", text=shown.ticket.bot.suggestion))
    name = request.query.get("canned", "")
    if not name:
        return await ticket_page(request, Draft())
    replies = await site_of(request).host.canned(_view(request))
    text = next((reply.text for reply in replies if reply.name == name), "")
    return await ticket_page(request, Draft(verb="reply", text=text))


async def ticket_page(request: web.Request, draft: Draft, status: int = 200) -> web.Response:
    """One ticket with what the agent is writing. Raises Refused, HTTPNotFound."""
    shown, site = await read_ticket(request), site_of(request)
    lines = await queues(request)
    return page(
        request, "ticket.html", status=status, shown=shown, t=shown.ticket, draft=draft, why=explain(shown.events),
        queues=lines, titles={line.name: line.title for line in lines}, names=site.agent_name,
        to=current_leg(shown, Side.REQUESTER), reachable=reachable(shown), assignee=_assignee(request, shown),
        may_open=site.may_open(agent_of(request)),
        incident=await _incident(request, shown), act=f"/desk/ticket/{shown.ticket.id}/act",
        groups=_groups(shown), shown_forms={f.verb for f in shown.verbs},
        canned=await site.host.canned(_view(request)), delivery=DELIVERY, retriable=RETRIABLE,
        claimed=any(leg.address.connector == "webchat" for leg in shown.legs),
        clocks=site_of(request).sums(shown), span=span, advice=site_of(request).advice(shown.ticket.cause),
    )  # fmt: skip


async def read_ticket(request: web.Request) -> TicketPage:
    """The ticket that the address names, as this agent may see it. Raises Refused, HTTPNotFound."""
    number = int(request.match_info["ticket"])
    site = site_of(request)
    if await site.reads.ticket_page(number) is None:
        raise web.HTTPNotFound()
    return await site.host.ticket(_view(request))


def _view(request: web.Request) -> TicketView:
    return TicketView(actor=identity_of(agent_of(request)), ticket=int(request.match_info["ticket"]))


async def _incident(request: web.Request, shown: TicketPage) -> IncidentLine | None:
    """The incident that the ticket is part of, or that it may lead."""
    leader = shown.ticket.incident or (shown.ticket.id if shown.ticket.work.alike else 0)
    lines = await site_of(request).reads.incident_lines() if leader else []
    return next((line for line in lines if line.leader.id == leader), None)


def _groups(shown: TicketPage) -> dict[str, list[VerbForm]]:
    """The forms that the page draws by itself, by group; the composer has its own place."""
    groups: dict[str, list[VerbForm]] = {}
    for form in shown.verbs:
        groups.setdefault(form.group, []).append(form)
    return groups


async def health(request: web.Request) -> web.Response:
    """What could not be handled or sent, and articles that could not be read."""
    site = site_of(request)
    return page(
        request, "health.html", queues=await queues(request), dead=await site.reads.dead_lines(),
        suppressed=await site.reads.suppressed_lines(),
        fare=await site.operations.fare(), problems=site.problems(), library=site.bot().library,
        agents=await site.reads.agents(),
    )  # fmt: skip


async def queues(request: web.Request) -> list[QueueLine]:
    """The queues that this agent may see."""
    site = site_of(request)
    hidden = site.hidden_queues(agent_of(request))
    return [line for line in await site.reads.queue_lines() if line.name not in hidden]


#: What each delivery state means to an agent.
DELIVERY: Mapping[str, str] = {
    SendState.HELD: "Not sent yet, can be undone",
    SendState.QUEUED: "Waiting to be sent",
    SendState.SENDING: "Being sent",
    SendState.ACCEPTED: "Sent",
    SendState.DELIVERED: "Delivered",
    SendState.FAILED: "Not delivered",
    SendState.WITHDRAWN: "Taken back, not sent",
    SendState.UNCERTAIN: "May or may not have arrived",
}
RETRIABLE = (SendState.FAILED, SendState.UNCERTAIN)


def current_leg(shown: TicketPage, side: Side) -> Leg | None:
    """Where the next message to this side goes."""
    return next((leg for leg in shown.legs if leg.side is side and leg.current), None)


def reachable(shown: TicketPage) -> str:
    """What an agent must know of reaching the person: "gone", "no address" or ""."""
    legs = [leg for leg in shown.legs if leg.side is Side.REQUESTER]
    gone = any(e.reason == "gone" for e in shown.entries if e.kind is EntryKind.REPLY)
    if legs and all(leg.address.connector == "webchat" for leg in legs):
        return "gone" if gone else "no address"
    return ""


def _assignee(request: web.Request, shown: TicketPage) -> str:
    owner = shown.ticket.assignee
    return (site_of(request).agent_name(owner) or owner) if owner else ""
