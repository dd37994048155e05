"""The desk's page that shows how an answer from an article looks in every channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.kb.preview import Shop, sheet
from gateway.web.render import page
from gateway.web.site import site_of

if TYPE_CHECKING:
    from bot.articles import Article

#: The preview page shows the sheet in a frame; the sheet has styles of its own, runs nothing and loads nothing.
_FRAMING = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SHEET = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-popups"


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk/preview", listing)
    app.router.add_get("/desk/preview/{name}", framed)
    app.router.add_get("/desk/preview/{name}/sheet", whole)


async def listing(request: web.Request) -> web.Response:
    """Every article by language, those that customers never see included."""
    found = sorted(site_of(request).bot().library.articles, key=lambda a: (a.language, a.title.casefold()))
    groups: dict[str, list[Article]] = {}
    for article in found:
        groups.setdefault(article.language, []).append(article)
    today = site_of(request).clock.now().date()
    return page(request, "previews.html", groups=groups, today=today)


async def framed(request: web.Request) -> web.Response:
    """One article in every form."""
    response = page(request, "preview.html", article=_article(request))
    response.headers["Content-Security-Policy"] = _FRAMING
    return response


async def whole(request: web.Request) -> web.Response:
    """The forms alone, as `deskgate kb preview` writes them."""
    site, article = site_of(request), _article(request)
    shop = Shop(
        company=site.company, bot_name=site.bot_name, public_url=site.public_url, languages=site.languages
    )
    text = sheet(article, shop, site.words(), site.clock.now())
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": _SHEET})


def _article(request: web.Request) -> Article:
    article = site_of(request).bot().library.get(request.match_info["name"])
    if article is None:
        raise web.HTTPNotFound()
    return article
