"""The chat's own page, scripts and styles, and the headers that keep other sites away from them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote, urlsplit

from aiohttp import web

from connectors.webchat.settings import Settings

_FOLDER = Path(__file__).parent.parent / "static" / "webchat"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

#: Files that /chat/static/… serves; nothing else of the folder is reachable.
STATIC = ("chat.css", "chat.js", "link.js", "view.js", "words.js")


def page(settings: Settings, company: str, bot_name: str, *, embedded: bool) -> web.Response:
    """The page /chat. All that differs between installations travels in data attributes."""
    values = {
        "company": company,
        "title": settings.title or company,
        "bot": bot_name,
        "language": settings.language,
        "email": "yes" if settings.email_account else "",
        "max_file": str(settings.max_file_bytes),
        "embedded": "yes" if embedded else "",
        "version": version(),
    }
    text = Template((_FOLDER / "chat.html").read_text("utf-8"))
    body = text.substitute({name: escape(value) for name, value in values.items()})
    return web.Response(text=body, content_type="text/html", headers=page_headers(settings.allowed_origins))


def page_headers(allowed: tuple[str, ...]) -> dict[str, str]:
    """Headers of the page: only its own files run, and only the named sites may frame it."""
    ancestors = " ".join(("'self'", *allowed))
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }


def static(name: str, *, anywhere: bool = False) -> web.Response:
    """One of our own files. `anywhere`: other sites may load it as a script. Raises HTTPNotFound."""
    if name not in (*STATIC, "widget.js"):
        raise web.HTTPNotFound()
    policy = "cross-origin" if anywhere else "same-origin"
    headers = {
        "Cache-Control": "public, max-age=3600" if anywhere else "no-cache",
        "Cross-Origin-Resource-Policy": policy,
        "X-Content-Type-Options": "nosniff",
    }
    path = _FOLDER / name
    return web.Response(
        body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8", headers=headers
    )


def download(content: bytes, filename: str) -> web.Response:
    """A visitor's file, always as a download and never as something that runs."""
    return web.Response(
        body=content, content_type="application/octet-stream", headers=download_headers(filename)
    )


def download_headers(filename: str) -> Mapping[str, str]:
    """Headers under which a stranger's file does no harm."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename or 'file', safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }


@cache
def version() -> str:
    """Changes when any of our files does, so that browsers fetch them anew."""
    return hashlib.sha256(b"".join((_FOLDER / name).read_bytes() for name in STATIC)).hexdigest()[:12]


def own_origin(origin: str, public_url: str, host: str) -> bool:
    """Whether a request's Origin is the place this page came from.

    In a local trial (public_url on loopback) every name of this machine counts, with the port that was asked.
    """
    ours, theirs = urlsplit(public_url), urlsplit(origin)
    if origin == f"{ours.scheme}://{ours.netloc}":
        return True
    return ours.hostname in _LOOPBACK and theirs.hostname in _LOOPBACK and theirs.netloc == host


def on_loopback(origin: str) -> bool:
    """Whether a site of this origin can only be opened on this machine."""
    return urlsplit(origin).hostname in _LOOPBACK
