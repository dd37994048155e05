"""What keeps the pages safe: headers on every answer, form tokens and Origin on everything that changes something."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDictProxy

from gateway.model import Agent
from gateway.web.site import Site, site_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Form = MultiDictProxy[str | bytes | bytearray | web.FileField]

#: Everything below these is a page of ours; other routes (channels, health) guard themselves.
OURS = ("/desk", "/help", "/style", "/static")
_BELOW_OURS = tuple(f"{path}/" for path in OURS)

#: Bytes of a form without files, and of one that an agent answers with.
MAX_FORM, MAX_FORM_WITH_FILES = 256 * 1024, 12 * 1024 * 1024

SESSION, VISIT = "deskgate_session", "deskgate_form"
AGENT: web.RequestKey[Agent] = web.RequestKey("agent", Agent)
_FORM: web.RequestKey[Form] = web.RequestKey("form", MultiDictProxy)
_NEW_VISIT: web.RequestKey[str] = web.RequestKey("new_visit", str)

#: Name of a route that changes nothing of anybody's: no cookie, so no token; only from our own pages all the same.
UNBOUND = "unbound"

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Puts the headers on every answer that does not bring its own."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if site_of(request).secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.path.startswith("/desk"):
        response.headers.setdefault("Cache-Control", "no-store")


@web.middleware
async def protect(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a change to our pages through only from our own pages, with the token that they carry."""
    if is_ours(request.path) and request.method not in ("GET", "HEAD"):
        check_origin(request)
        request[_FORM] = form = await _read(request)
        try:
            if request.match_info.route.name != UNBOUND:
                _check_token(request, form)
            return await _answer(request, handler)
        finally:
            _close_files(form)
    return await _answer(request, handler)


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    return with_form_cookie(request, await handler(request))


def with_form_cookie(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The answer with what the browser's form is bound to, where it got that just now."""
    if value := request.get(_NEW_VISIT):
        set_cookie(response, site_of(request), VISIT, value, path="/")
    return response


def _check_token(request: web.Request, form: Form) -> None:
    if not hmac.compare_digest(str(form.get("csrf", "")).encode(), form_token(request).encode()):
        raise web.HTTPForbidden(text="This form has expired. Go back, reload the page and try again.")


def _close_files(form: Form) -> None:
    for value in form.values():
        if isinstance(value, web.FileField):
            value.file.close()


def is_ours(path: str) -> bool:
    return path == "/" or path in OURS or path.startswith(_BELOW_OURS)


def form_of(request: web.Request) -> Form:
    """The checked form of a POST."""
    return request[_FORM]


def field(form: Mapping[str, Any], name: str, limit: int = 20_000) -> str:
    """A text field of a form with plain newlines; "" for a missing one or a file."""
    value = form.get(name, "")
    return value[:limit].replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def check_origin(request: web.Request) -> None:
    """Raises HTTPForbidden when another site's page is asking."""
    if not _own_origin(request.headers.get("Origin", ""), site_of(request).public_url, request.host):
        raise web.HTTPForbidden(text="This was sent from another site, so nothing was done.")


def form_token(request: web.Request) -> str:
    """The token that a form of this browser must carry; "" while the browser has no cookie of ours."""
    bound = request.cookies.get(SESSION) or request.get(_NEW_VISIT) or request.cookies.get(VISIT)
    if not bound:
        return secrets.token_hex(32)  # matches nothing
    return hmac.digest(site_of(request).key, f"form {bound}".encode(), hashlib.sha256).hex()


def ensure_form_cookie(request: web.Request) -> None:
    """Gives a browser without a session something to bind its form to."""
    if not (request.cookies.get(SESSION) or request.cookies.get(VISIT)):
        request[_NEW_VISIT] = secrets.token_urlsafe(18)


def set_cookie(response: web.StreamResponse, site: Site, name: str, value: str, *, path: str) -> None:
    """A cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(name, value, path=path, httponly=True, samesite="Strict", secure=site.secure)


def source(request: web.Request) -> str:
    """The peer's network address, as our own proxies report it."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    proxies = site_of(request).proxies
    return hops[-proxies] if 0 < proxies <= len(hops) else request.remote or ""


async def _read(request: web.Request) -> Form:
    limit = MAX_FORM_WITH_FILES if request.get(AGENT) else MAX_FORM
    if (request.content_length or 0) > limit:
        raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=request.content_length or 0)
    try:
        return await request.clone(client_max_size=limit).post()
    except ValueError as error:
        raise web.HTTPBadRequest(text="The form is not well formed.") from error


def _own_origin(origin: str, public_url: str, host: str) -> bool:
    """Our own address; in a local trial every name of this machine with the port that was asked."""
    ours, theirs = urlsplit(public_url), urlsplit(origin)
    if origin == f"{ours.scheme}://{ours.netloc}":
        return True
    return ours.hostname in _LOOPBACK and theirs.hostname in _LOOPBACK and theirs.netloc == host
