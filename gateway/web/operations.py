"""The pages of whoever runs Deskgate: dead letters with their replay, and /metrics."""

from __future__ import annotations

import hmac

from aiohttp import web

from gateway.errors import Refused, StoreError
from gateway.model import Role
from gateway.text.hosts import is_loopback
from gateway.web.desk import queues
from gateway.web.entrance import agent_of
from gateway.web.render import page
from gateway.web.security import field, form_of
from gateway.web.site import site_of

#: Inputs that one press may replay by name; "all" has no limit.
MAX_IDS = 500


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk/dead", listing)
    app.router.add_post("/desk/dead/replay", replay)
    app.router.add_get("/metrics", metrics)


def may_operate(request: web.Request) -> None:
    """Raises Refused unless this member leads or administrates."""
    if agent_of(request).role is Role.AGENT:
        raise Refused("Only leads and admins may do that. Ask one of them.")


async def listing(request: web.Request) -> web.Response:
    """What could not be handled, each with a button that tries it again."""
    may_operate(request)
    found = await site_of(request).operations.dead()
    told = request.query.get("replayed", "")
    return page(
        request,
        "dead.html",
        queues=await queues(request),
        dead=found,
        replayed=int(told) if told.isdigit() else 0,
    )


async def replay(request: web.Request) -> web.Response:
    """Tries one again, or all."""
    may_operate(request)
    form = form_of(request)
    wanted = field(form, "input", 20)
    if wanted != "all" and not (wanted.isascii() and wanted.isdigit()):
        raise web.HTTPBadRequest(text="The form is incomplete. Reload the page and try again.")
    ids = None if wanted == "all" else [int(wanted)]
    done = await site_of(request).operations.replay(ids, agent_of(request).id)
    return web.Response(status=303, headers={"Location": f"/desk/dead?replayed={len(done)}"})


async def metrics(request: web.Request) -> web.Response:
    """For Prometheus on this machine, or whoever brings the token."""
    site = site_of(request)
    if not (_from_here(request) or _has_token(request, site.metrics_token)):
        raise web.HTTPForbidden(
            text="Set metrics.token and send it as a bearer token, or ask from this machine.\n"
        )
    try:
        text = await site.operations.exposition()
    except StoreError as error:
        raise web.HTTPServiceUnavailable(text="the database does not answer\n") from error
    return web.Response(
        body=text,
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"},
    )


def _from_here(request: web.Request) -> bool:
    """Whether this very machine asks, and not a proxy on it for somebody else."""
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"))
    asked = request.host.rpartition(":")[0] or request.host
    return not forwarded and is_loopback(request.remote or "") and is_loopback(asked)


def _has_token(request: web.Request, token: str) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())
