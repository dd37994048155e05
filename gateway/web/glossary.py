"""First steps at the desk and what its words mean, one click away for whoever is new."""

from __future__ import annotations

from aiohttp import web

from gateway.glossary import FIRST_STEPS, GLOSSARY
from gateway.web.desk import queues
from gateway.web.render import page


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk/glossary", glossary)


async def glossary(request: web.Request) -> web.Response:
    """The words in the order of a ticket's life."""
    return page(request, "glossary.html", queues=await queues(request), steps=FIRST_STEPS, words_=GLOSSARY)
