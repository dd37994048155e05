"""Who comes to the desk: one-time links in, a session cookie while there, and the way out."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from aiohttp import web

from gateway.errors import StoreError
from gateway.model import Agent
from gateway.web import security
from gateway.web.render import page
from gateway.web.security import AGENT, SESSION, Handler, field, form_of, set_cookie, source
from gateway.web.site import SITE, Site, site_of
from gateway.web.throttle import Throttle

log = logging.getLogger("deskgate.web")

SIGN_IN = "/desk/sign-in"
_ASKING: web.AppKey[set[asyncio.Task[None]]] = web.AppKey("asking_for_links", set)
_THROTTLE: web.AppKey[Throttle] = web.AppKey("sign_in_throttle", Throttle)


def add_to(app: web.Application) -> None:
    app[_THROTTLE] = Throttle(12, timedelta(minutes=5))
    app[_ASKING] = set()
    app.router.add_get(SIGN_IN, ask)
    app.router.add_post(SIGN_IN, send_link)
    app.router.add_get("/desk/enter/{token}", knock)
    app.router.add_post("/desk/enter/{token}", enter)
    app.router.add_post("/desk/leave", leave)


@web.middleware
async def require_agent(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets nobody past who is not signed in; the agent is in request[AGENT]."""
    path = request.path
    if (
        not (path == "/desk" or path.startswith("/desk/"))
        or path.startswith("/desk/enter/")
        or path == SIGN_IN
    ):
        return await handler(request)
    session = request.cookies.get(SESSION, "")
    agent = await site_of(request).people.agent_of_session(session) if session else None
    if agent is None or not agent.active:
        return _outside(request, session)
    request[AGENT] = agent
    return await handler(request)


def agent_of(request: web.Request) -> Agent:
    """The agent who is looking."""
    return request[AGENT]


async def ask(request: web.Request) -> web.Response:
    """Where a member asks for a link."""
    security.ensure_form_cookie(request)
    return page(request, "signin.html", spent=False, asked=False)


async def send_link(request: web.Request) -> web.Response:
    """Sends a link to whoever is a member. The answer is the same for everybody, and comes as fast."""
    _slow_down(request)
    security.ensure_form_cookie(request)
    task = asyncio.create_task(_send(request.app, field(form_of(request), "who", 200)))
    request.app[_ASKING].add(task)
    task.add_done_callback(request.app[_ASKING].discard)
    return page(request, "signin.html", spent=False, asked=True)


async def _send(app: web.Application, who: str) -> None:
    try:
        await app[SITE].members.ask_sign_in(who)
    except StoreError as error:
        log.warning("a sign-in link was not sent: %s", error)


async def knock(request: web.Request) -> web.Response:
    """Shows whom the link signs in. Opening a link changes nothing, so that mail scanners do not use it up."""
    _slow_down(request)
    security.ensure_form_cookie(request)
    waiting = await site_of(request).people.sign_in_waiting(request.match_info["token"])
    if waiting is None:
        return page(request, "signin.html", status=410, spent=True, asked=False)
    return page(request, "enter.html", waiting=waiting, problem="")


async def enter(request: web.Request) -> web.Response:
    """Uses the link up and begins a session."""
    _slow_down(request)
    site, token = site_of(request), request.match_info["token"]
    waiting = await site.people.sign_in_waiting(token)
    name = " ".join(field(form_of(request), "name", 100).split())
    if waiting is not None and not waiting.name and not name:
        return page(request, "enter.html", status=422, waiting=waiting, problem="Please give your name.")
    session = await site.people.redeem_sign_in(token, name) if waiting is not None else None
    if session is None:
        return page(request, "signin.html", status=410, spent=True, asked=False)
    return welcome(site, session)


def welcome(site: Site, session: str) -> web.Response:
    """Lets in whoever a session was opened for, however they were proven (see docs/desk.md)."""
    answer = web.Response(status=303, headers={"Location": "/desk"})
    set_cookie(answer, site, SESSION, session, path="/desk")
    return answer


async def leave(request: web.Request) -> web.Response:
    """Ends the session, here and in the store."""
    await site_of(request).people.end_session(request.cookies.get(SESSION, ""))
    answer = web.Response(status=303, headers={"Location": "/"})
    answer.del_cookie(SESSION, path="/desk")
    return answer


def _outside(request: web.Request, session: str) -> web.StreamResponse:
    if request.method != "GET" or request.headers.get("Upgrade"):
        raise web.HTTPForbidden(text="You are signed out. Sign in again; nothing was changed.")
    if not session and request.headers.get("Sec-Fetch-Site") == "cross-site":
        # The cookie is SameSite=Strict, so a click in Slack or a mail comes without it: ask once more from here.
        return page(request, "again.html", target=request.path_qs)
    security.ensure_form_cookie(request)
    return security.with_form_cookie(
        request, page(request, "signin.html", status=401, spent=False, asked=False)
    )


def _slow_down(request: web.Request) -> None:
    if not request.app[_THROTTLE].allows(source(request), site_of(request).clock.now()):
        raise web.HTTPTooManyRequests()
