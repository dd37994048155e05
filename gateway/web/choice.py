"""The page behind a button that came as a link in a mail: the choice preselected, and one button that makes it.

Looking (GET, HEAD) changes nothing. Works without scripts.
"""

from __future__ import annotations

import hashlib

import msgspec
from aiohttp import web

from gateway import choice_links
from gateway.desk import csat
from gateway.model import Choice, ChoiceAction, Delivery, Identity, Leg, Message, Side, Status, TicketPage
from gateway.web import security
from gateway.web.help_centre import framing, languages, preferred
from gateway.web.help_words import texts
from gateway.web.render import page
from gateway.web.security import field, form_of
from gateway.web.site import Site, site_of


def add_to(app: web.Application) -> None:
    app.router.add_get(f"{choice_links.PATH}{{token}}", show)
    app.router.add_post(f"{choice_links.PATH}{{token}}", choose)


async def show(request: web.Request) -> web.Response:
    """What can be chosen; nothing is."""
    choice, found = await _asked(request)
    security.ensure_form_cookie(request)
    site, language = site_of(request), _language(request, found)
    options = [(_name(each), _label(site, each, language)) for each in _options(choice)]
    return page(
        request, "choice.html", **framing(site, language), options=options, chosen=_name(choice),
        reference=found.ticket.reference, rating=choice.action is ChoiceAction.RATE, late=_late(choice, found),
    )  # fmt: skip


async def choose(request: web.Request) -> web.Response:
    """Hands the choice to the core, as if its button had been pressed where the ticket is."""
    choice, found = await _asked(request)
    site, language = site_of(request), _language(request, found)
    wanted = field(form_of(request), "choice", 40)
    made = next((each for each in _options(choice) if _name(each) == wanted), None)
    if made is None or _late(choice, found):
        raise web.HTTPFound(request.path)
    await site.host.receive([Delivery(input=_message(site, made, found))])
    return page(request, "choice_made.html", **framing(site, language))


def _late(choice: Choice, found: TicketPage) -> str:
    """The word for why it cannot be chosen now, "" when it can: marks are given once all is done, all else before."""
    status = found.ticket.status
    if choice.action is ChoiceAction.RATE:
        return "" if status in (Status.RESOLVED, Status.CLOSED) else "choice_open"
    return "choice_closed" if status is Status.CLOSED else ""


def _name(choice: Choice) -> str:
    """What the form calls it."""
    return choice.value if choice.action is ChoiceAction.RATE else choice.action.value


def _options(choice: Choice) -> list[Choice]:
    """The choice of the link, and what could be said instead."""
    if choice.action is ChoiceAction.RATE:
        return [msgspec.structs.replace(choice, value=mark) for mark in csat.MARKS]
    first = [choice]
    if choice.action in (ChoiceAction.HELPED, ChoiceAction.NOT_HELPED, ChoiceAction.HUMAN):
        first = [_other(choice, ChoiceAction.HELPED), _other(choice, ChoiceAction.NOT_HELPED)]
    return [*first, _other(choice, ChoiceAction.HUMAN)]


def _other(choice: Choice, action: ChoiceAction) -> Choice:
    return Choice(action=action, ticket=choice.ticket)


def _label(site: Site, choice: Choice, language: str) -> str:
    t = texts(language)
    match choice.action:
        case ChoiceAction.ARTICLE:
            article = site.bot().library.get(choice.value)
            return article.title if article else choice.value
        case ChoiceAction.TOPIC:
            return choice.value
        case ChoiceAction.HELPED:
            return t["choice_helped"]
        case ChoiceAction.NOT_HELPED:
            return t["choice_not_helped"]
        case ChoiceAction.NONE_OF_THESE:
            return t["choice_none"]
        case ChoiceAction.RATE:
            return t.get(f"choice_mark_{choice.value}", choice.value)
        case _:
            return t["choice_person"]


def _message(site: Site, choice: Choice, found: TicketPage) -> Message:
    """A press of the button by the requester, at their own leg; pressing twice is one press."""
    leg, identity = _requester(found)
    digest = hashlib.sha256(f"{choice.ticket}/{choice.action}/{choice.value}".encode()).hexdigest()[:40]
    rated = sum(event.kind == "rated" for event in found.events)  # a mark may be changed, and changed back
    key = f"choice:{found.ticket.bot.attempts}.{rated}:{digest}"
    address = leg.address
    return Message(
        connector=address.connector, account=address.account, delivery_key=key, at=site.clock.now(), address=address,
        sender=identity, text=_said(site, choice, found), choice=choice, message_key=key, version=digest[:16],
        refers_to=(f"ref:{site.reply_key(choice.ticket)}",),
    )  # fmt: skip


def _said(site: Site, choice: Choice, found: TicketPage) -> str:
    """What stands in the conversation, for choices that people read; the others speak to the bot alone."""
    if choice.action is ChoiceAction.RATE:
        return choice.value
    if choice.action is ChoiceAction.HUMAN:
        return _label(site, choice, found.ticket.language)
    return ""


def _requester(found: TicketPage) -> tuple[Leg, Identity]:
    leg = next((leg for leg in found.legs if leg.side is Side.REQUESTER and leg.current), None)
    who = next((p.identity for p in found.participants if p.role == "requester"), None)
    if leg is None or who is None:
        raise web.HTTPNotFound()
    return leg, who


async def _asked(request: web.Request) -> tuple[Choice, TicketPage]:
    """The choice and its ticket. A link that we never made does not exist."""
    site = site_of(request)
    choice = site.choice_of(request.match_info["token"])
    found = await site.reads.ticket_page(choice.ticket) if choice else None
    if choice is None or found is None:
        raise web.HTTPNotFound()
    return choice, found


def _language(request: web.Request, found: TicketPage) -> str:
    known = found.ticket.language
    return known if known in languages(site_of(request)) else preferred(request)
