"""The articles' page of the desk: what each answered, whether it helped, and what readers of its page said."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from gateway.web.desk import queues
from gateway.web.render import page
from gateway.web.site import site_of

#: Days that are counted.
DAYS = 90


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk/articles", show)


async def show(request: web.Request) -> web.Response:
    """Every article that was used; those that mislead most first."""
    site = site_of(request)
    uses = await site.uses(site.clock.now() - timedelta(days=DAYS))
    titles = {a.name: a for a in site.bot().library.articles}
    return page(
        request, "articles.html", queues=await queues(request), uses=uses, articles=titles, days=DAYS,
    )  # fmt: skip
