"""Error pages that say what to do next. Programs that ask for no HTML get the plain answer."""

from __future__ import annotations

import logging

from aiohttp import web

from gateway.errors import Refused, StoreError
from gateway.web.render import page
from gateway.web.security import Handler

_log = logging.getLogger(__name__)

_TITLES = {
    400: "That could not be read",
    403: "That is not allowed",
    404: "There is nothing here",
    405: "That is not how this page works",
    409: "Somebody was faster",
    413: "That is too large",
    429: "One moment, please",
    500: "Something went wrong on our side",
    503: "One moment, please",
}
_HINTS = {
    404: "The address may be mistyped, or the page was taken down. The help centre has a search.",
    405: "Go back and use the buttons of the page.",
    413: "Send it in smaller pieces, or leave out the files.",
    429: "There were many tries from here. Wait a minute, then try again.",
    500: "It has been written to the log. Nothing that you sent earlier is lost; try again in a moment.",
    503: "The database did not answer in time. Nothing is lost; try again in a moment.",
}


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns errors into pages for browsers."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400 or not _wants_page(request):
            raise
        return _error(request, error.status, "" if error.text == _plain(error) else error.text or "")
    except Refused as error:
        if not _wants_page(request):
            raise web.HTTPForbidden(text=str(error)) from error
        return _error(request, 403, str(error))
    except StoreError as error:
        if not _wants_page(request):
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "2"}) from error
        return _error(request, 503, "")
    except Exception:
        if not _wants_page(request):
            raise
        _log.exception("page failed path=%s", request.path)
        return _error(request, 500, "")


def _wants_page(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _plain(error: web.HTTPException) -> str:
    return f"{error.status}: {error.reason}"


def _error(request: web.Request, status: int, detail: str) -> web.Response:
    title = _TITLES.get(status, _TITLES[500] if status >= 500 else _TITLES[400])
    hint = detail or _HINTS.get(status, "Go back and try again.")
    return page(request, "error.html", status=status, title=title, hint=hint, code=status)
