"""Doing something without a ticket, or with many: a ticket by hand, a selection of the list, and the incidents."""

from __future__ import annotations

from aiohttp import web

from gateway.desk.situation import at_least
from gateway.errors import Refused
from gateway.model import ActionResult, Role, Verb, VerbForm, filled, reference
from gateway.web.actions import propose, typed_in, verb_of
from gateway.web.desk import Draft, queues
from gateway.web.entrance import agent_of
from gateway.web.render import page
from gateway.web.security import Form, field, form_of
from gateway.web.site import identity_of, site_of

#: Tickets of one selection.
MOST = 100


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk/new", new)
    app.router.add_post("/desk/new", open_new)
    app.router.add_post("/desk/bulk", bulk)
    app.router.add_get("/desk/incidents", incidents)


async def new(request: web.Request) -> web.Response:
    """The form for a ticket by hand."""
    return await _new_page(request, Draft(verb=Verb.NEW))


async def open_new(request: web.Request) -> web.Response:
    """Opens the ticket and shows it."""
    typed = typed_in(form_of(request), Verb.NEW)
    values, problems = filled(await _form(request, Verb.NEW), typed)
    if problems:
        return await _new_page(request, Draft(verb=Verb.NEW, typed=typed, problems=problems), 422)
    result = await propose(request, form_of(request), Verb.NEW, values)
    if result.state != "done":
        draft = Draft(
            verb=Verb.NEW, typed=typed, problem=result.detail or "That took too long. Look at the list."
        )
        return await _new_page(request, draft, 409)
    return web.Response(status=303, headers={"Location": f"/desk/ticket/{result.ticket}"})


async def bulk(request: web.Request) -> web.Response:
    """First shows what would be done with the selection, and to how many; the second press does it."""
    form = form_of(request)
    numbers = _numbers(form)
    word = field(form, "verb", 20)
    if not numbers or not word:
        return web.Response(status=303, headers={"Location": "/desk"})
    verb = verb_of(word)
    described = await _form(request, verb)
    if field(form, "confirmed") != "yes":
        return await _bulk_page(request, described, numbers, Draft(verb=verb))
    typed = typed_in(form, verb)
    if verb is Verb.INCIDENT:
        typed["also"] = " ".join(reference(number) for number in numbers[1:]) or reference(numbers[0])
    values, problems = filled(described, typed)
    if problems:
        return await _bulk_page(
            request, described, numbers, Draft(verb=verb, typed=typed, problems=problems), 422
        )
    result = await propose(
        request, form, verb, {"ticket": numbers[0], **{"also": tuple(numbers[1:])} | values}
    )
    if result.state == "refused":
        draft = Draft(verb=verb, typed=typed, problem=result.detail)
        return await _bulk_page(request, described, numbers, draft, 409)
    return await _bulk_page(request, described, numbers, Draft(verb=verb), result=result)


async def incidents(request: web.Request) -> web.Response:
    """Problems of many: those that are known, and tickets that may be one."""
    site = site_of(request)
    hidden = site.hidden_queues(agent_of(request))
    lines = [line for line in await site.reads.incident_lines() if line.leader.queue not in hidden]
    return page(
        request, "incidents.html", queues=await queues(request), lines=lines,
        leads=at_least(agent_of(request), Role.LEAD),
    )  # fmt: skip


async def _form(request: web.Request, verb: Verb) -> VerbForm:
    """The form of a verb that may be used so. Raises Refused."""
    forms = await site_of(request).host.forms(identity_of(agent_of(request)))
    found = next((form for form in forms if form.verb is verb), None)
    if found is None:
        raise Refused("That cannot be done with several tickets, or not by you.")
    return found


async def _new_page(request: web.Request, draft: Draft, status: int = 200) -> web.Response:
    form = await _form(request, Verb.NEW)
    return page(request, "new.html", status=status, queues=await queues(request), form=form, draft=draft)


async def _bulk_page(
    request: web.Request,
    form: VerbForm,
    numbers: list[int],
    draft: Draft,
    status: int = 200,
    result: ActionResult | None = None,
) -> web.Response:
    site = site_of(request)
    pages = [shown for number in numbers if (shown := await site.reads.ticket_page(number))]
    hidden = site.hidden_queues(agent_of(request))
    return page(
        request, "bulk.html", status=status, queues=await queues(request), form=form, draft=draft, result=result,
        tickets=[shown for shown in pages if shown.ticket.queue not in hidden], numbers=numbers,
    )  # fmt: skip


def _numbers(form: Form) -> list[int]:
    values = [value for value in form.getall("tickets", []) if isinstance(value, str)]
    numbers = [int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 16]
    return sorted(dict.fromkeys(numbers))[:MOST]
