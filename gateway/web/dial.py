"""The assistant's page: what it may do where, where a lead has stopped it, and the way to stop it at once."""

from __future__ import annotations

from aiohttp import web

from gateway.desk.situation import at_least
from gateway.errors import Refused
from gateway.model import Role
from gateway.web.desk import queues
from gateway.web.entrance import agent_of
from gateway.web.render import page
from gateway.web.security import field, form_of
from gateway.web.site import identity_of, site_of


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk/bot", show)
    app.router.add_post("/desk/bot", turn)


async def show(request: web.Request) -> web.Response:
    """The dial as it stands."""
    return await _page(request)


async def turn(request: web.Request) -> web.Response:
    """Stops the assistant, or lets it speak again; for leads."""
    site, form = site_of(request), form_of(request)
    actor, scope = identity_of(agent_of(request)), field(form, "scope", 200)
    try:
        if field(form, "verb", 10) == "start":
            await site.host.start_bot(actor, scope)
        else:
            await site.host.stop_bot(actor, scope, field(form, "why", 500))
    except Refused as refusal:
        return await _page(request, str(refusal), 409)
    return web.Response(status=303, headers={"Location": "/desk/bot"})


async def _page(request: web.Request, problem: str = "", status: int = 200) -> web.Response:
    site = site_of(request)
    articles = {a.name.partition(".")[0]: a.title for a in reversed(site.bot().library.articles)}
    channels = sorted({account.partition("/")[0] for account in site.modes})
    return page(
        request, "bot.html", status=status, problem=problem, queues=await queues(request), modes=site.modes,
        stops=await site.reads.bot_stops(), channels=channels, articles=sorted(articles.items()),
        leads=at_least(agent_of(request), Role.LEAD), names=site.agent_name,
    )  # fmt: skip
