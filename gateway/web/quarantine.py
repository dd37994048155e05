"""The pages of what was kept apart: messages in quarantine, and addresses that nothing automatic goes to."""

from __future__ import annotations

from aiohttp import web

from gateway.web.desk import queues
from gateway.web.entrance import agent_of
from gateway.web.operations import may_operate
from gateway.web.render import page
from gateway.web.security import field, form_of
from gateway.web.site import site_of


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk/quarantine", listing)
    app.router.add_post("/desk/quarantine/release", release)
    app.router.add_post("/desk/suppressed/lift", lift)


async def listing(request: web.Request) -> web.Response:
    """What waits, each with why, and the addresses that mail came back from. Raises Refused."""
    may_operate(request)
    site = site_of(request)
    return page(
        request,
        "quarantine.html",
        queues=await queues(request),
        apart=await site.operations.quarantined(),
        suppressed=await site.reads.suppressed_lines(),
        done=request.query.get("done", ""),
    )


async def release(request: web.Request) -> web.Response:
    """Lets one message in after all; the other checks still look at it."""
    may_operate(request)
    wanted = field(form_of(request), "input", 20)
    if not (wanted.isascii() and wanted.isdigit()):
        raise web.HTTPBadRequest(text="The form is incomplete. Reload the page and try again.")
    done = await site_of(request).operations.release(int(wanted), agent_of(request).id)
    return _back("released" if done else "gone")


async def lift(request: web.Request) -> web.Response:
    """Lets automatic messages go to this address again."""
    may_operate(request)
    address = field(form_of(request), "address", 320)
    done = await site_of(request).operations.lift(address, agent_of(request).id)
    return _back("lifted" if done else "gone")


def _back(done: str) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/desk/quarantine?done={done}"})
