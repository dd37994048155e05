"""The request form: a message that is answered by mail, for those who do not chat."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from gateway.model import Address, Delivery, Identity, Message
from gateway.web import security
from gateway.web.help_centre import framing, languages, preferred
from gateway.web.help_words import texts
from gateway.web.render import page
from gateway.web.security import field, form_of
from gateway.web.site import Site, site_of
from gateway.web.throttle import Throttle

_ADDRESS = re.compile(
    r"[^\s@<>\"(),:;\\\[\]]{1,64}@[^\s@<>\"(),:;\\\[\]/]{1,190}\.[^\s@<>\"(),:;\\\[\]/.\d]{2,63}"
)
_THROTTLE: web.AppKey[Throttle] = web.AppKey("request_throttle", Throttle)

_FIELDS = ("name", "email", "subject", "message", "once")

#: Characters of a message.
MAX_TEXT = 20_000


def add_to(app: web.Application) -> None:
    app[_THROTTLE] = Throttle(6, timedelta(minutes=5))
    app.router.add_get("/help/request", show)
    app.router.add_post("/help/request", send)


async def show(request: web.Request) -> web.Response:
    """The empty form."""
    return _form(request, _language(request), {}, {})


async def send(request: web.Request) -> web.Response:
    """Hands the message to the core; the address is as typed, so it proves nothing."""
    site, form = _site(request), form_of(request)
    language = _language(request)
    values = {name: field(form, name, MAX_TEXT) for name in _FIELDS}
    if problems := _problems(values, language):
        return _form(request, language, values, problems, status=422)
    if not request.app[_THROTTLE].allows(security.source(request), site.clock.now()):
        return _form(request, language, values, {"form": texts(language)["too_many"]}, status=429)
    if not field(form, "website"):  # people do not see this field, so they leave it empty
        await site.host.receive([Delivery(input=message(site, values, language))])
    return page(request, "request_sent.html", **framing(site, language), address=values["email"])


def message(site: Site, values: Mapping[str, str], language: str) -> Message:
    """The core's message; sending the same form twice is one message."""
    address = values["email"].lower()
    digest = hashlib.sha256("\x00".join(values[name] for name in sorted(values)).encode()).hexdigest()
    return Message(
        connector="email", account=site.email_account, delivery_key=f"form:{digest[:40]}", at=site.clock.now(),
        address=Address(connector="email", account=site.email_account, conversation=address),
        sender=Identity(kind="email", value=address, name=values["name"][:100]),
        text=values["message"], subject=" ".join(values["subject"].split())[:200], language=language,
        message_key=f"form:{digest[:40]}", version=digest[:16],
    )  # fmt: skip


def _problems(values: Mapping[str, str], language: str) -> dict[str, str]:
    t, found = texts(language), dict[str, str]()
    if len(values["email"]) > 254 or not _ADDRESS.fullmatch(values["email"]):
        found["email"] = t["bad_email"]
    if not values["message"]:
        found["message"] = t["bad_message"]
    return found


def _form(
    request: web.Request,
    language: str,
    values: Mapping[str, str],
    problems: Mapping[str, str],
    status: int = 200,
) -> web.Response:
    security.ensure_form_cookie(request)
    site = _site(request)
    given: dict[str, Any] = {"values": dict.fromkeys(_FIELDS, "") | dict(values), "problems": problems}
    return page(request, "request.html", status=status, **framing(site, language), **given)


def _site(request: web.Request) -> Site:
    """The site; without a mail account there is no form, since nothing could answer it."""
    site = site_of(request)
    if not site.email_account:
        raise web.HTTPNotFound()
    return site


def _language(request: web.Request) -> str:
    wanted = request.query.get("lang", "")
    return wanted if wanted in languages(site_of(request)) else preferred(request)
