"""The team's page: who has how much, who is away, which queue has too much; and one's own absence."""

from __future__ import annotations

from aiohttp import web

from gateway.desk.situation import at_least
from gateway.errors import Refused
from gateway.model import Role, Verb
from gateway.web.actions import read_time
from gateway.web.desk import queues
from gateway.web.entrance import agent_of
from gateway.web.render import page
from gateway.web.security import field, form_of
from gateway.web.site import site_of


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk/team", show)
    app.router.add_post("/desk/team", change)


async def show(request: web.Request) -> web.Response:
    """Everybody with their load."""
    return await _page(request)


async def change(request: web.Request) -> web.Response:
    """Somebody is away, is back, or has left."""
    site, form, me = site_of(request), form_of(request), agent_of(request)
    who, verb = field(form, "agent", 40) or me.id, field(form, "verb", 20)
    try:
        if verb == "deactivate":
            if not at_least(me, Role.ADMIN) or who == me.id:
                raise Refused("Only an admin may do that, and not to themselves.")
            await site.members.deactivate(me.id, who)
        else:
            until = read_time(form, "until") if verb == "away" else None
            if verb == "away" and until is None:
                raise Refused("Choose until when.")
            await site.members.set_away(me, who, until, give_back=field(form, "give_back", 5) == "yes")
    except Refused as refusal:
        return await _page(request, str(refusal), 409)
    return web.Response(status=303, headers={"Location": "/desk/team"})


async def _page(request: web.Request, problem: str = "", status: int = 200) -> web.Response:
    site, me = site_of(request), agent_of(request)
    team = await site.members.team()
    return page(
        request, "team.html", status=status, problem=problem, queues=await queues(request),
        team=sorted(team, key=lambda member: (-member.load, member.agent.name)), leads=at_least(me, Role.LEAD),
        admin=at_least(me, Role.ADMIN), capacity=site.capacity, verb=Verb,
    )  # fmt: skip
