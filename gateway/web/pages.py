"""Puts every page into the application."""

from __future__ import annotations

from aiohttp import web

from gateway.web import (
    actions,
    articles,
    bulk,
    choice,
    desk,
    dial,
    entrance,
    errors,
    files,
    glossary,
    help_centre,
    live,
    operations,
    preview,
    quarantine,
    render,
    request_form,
    start,
    team,
)
from gateway.web.security import add_headers, protect
from gateway.web.site import SITE, Site


def attach(app: web.Application, site: Site) -> None:
    """Adds the start page, the help centre, the desk and what guards them."""
    app[SITE] = site
    app.middlewares.append(errors.explain)
    app.middlewares.append(entrance.require_agent)
    app.middlewares.append(protect)
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/static/{version}/{name}", render.static)
    rooms = (
        start,
        help_centre,
        choice,
        request_form,
        entrance,
        desk,
        dial,
        actions,
        bulk,
        team,
        files,
        live,
        preview,
        articles,
        quarantine,
        operations,
        glossary,
    )
    for room in rooms:
        room.add_to(app)
