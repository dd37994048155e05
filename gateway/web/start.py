"""The start page, the component page of a trial, and what search engines ask for."""

from __future__ import annotations

from aiohttp import web

from gateway.web.help_centre import live_articles, topics
from gateway.web.render import page
from gateway.web.site import site_of


def add_to(app: web.Application) -> None:
    app.router.add_get("/", start)
    app.router.add_get("/style", style)
    app.router.add_get("/robots.txt", robots)
    app.router.add_get("/sitemap.xml", sitemap)


async def start(request: web.Request) -> web.Response:
    """Where customers begin; in a trial it also explains what runs here."""
    site = site_of(request)
    language = site.languages[0] if site.languages else "en"
    return page(request, "start.html", topics=topics(site, language), language=language)


async def style(request: web.Request) -> web.Response:
    """Every component on one page, in a trial only."""
    if not site_of(request).demo:
        raise web.HTTPNotFound()
    return page(request, "style.html")


async def robots(request: web.Request) -> web.Response:
    """Search engines may read the help centre and nothing else."""
    lines = ("User-agent: *", "Disallow: /desk", "Disallow: /chat", "Disallow: /help/search", "Allow: /")
    return web.Response(text="\n".join((*lines, f"Sitemap: {site_of(request).public_url}/sitemap.xml", "")))


async def sitemap(request: web.Request) -> web.Response:
    """Every public article, with its other languages."""
    site = site_of(request)
    articles = live_articles(site)
    versions = {a.slug: [b for b in articles if b.slug == a.slug] for a in articles}
    response = page(request, "sitemap.xml", articles=articles, versions=versions)
    response.content_type = "application/xml"
    return response
