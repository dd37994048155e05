"""Templates into pages: the environment, its filters, and what every page is given."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.privacy.masking import is_masked
from gateway.text.markup import to_html, to_wary_html
from gateway.web.security import AGENT, form_token
from gateway.web.site import site_of

_HERE = Path(__file__).parent
STATIC = _HERE / "static"


def page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page with the site, a form token and the agent (None outside of the desk)."""
    common = {
        "site": site_of(request),
        "csrf": form_token(request),
        "once": secrets.token_hex(12),
        "path": request.path,
        "now": site_of(request).clock.now(),
        "agent": request.get(AGENT),
        "version": version(),
        "broken": site_of(request).broken() if request.get(AGENT) else {},
    }
    text = _environment().get_template(template).render(common | values)
    return web.Response(text=text, content_type="text/html", status=status)


@cache
def version() -> str:
    """Changes with any of our own static files; part of their addresses."""
    files = sorted(path for path in STATIC.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


async def static(request: web.Request) -> web.StreamResponse:
    """A file of ours under an address that changes with its content."""
    path = STATIC / request.match_info["name"]
    if path.parent != STATIC or not path.is_file():
        raise web.HTTPNotFound()
    fresh = request.match_info["version"] == version()
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if fresh else "no-cache"}
    kind = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}[path.suffix]
    return web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8", headers=headers)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "markup": lambda text: Markup(to_html(text)),  # noqa: S704 - to_html escapes and cleans
        "wary": lambda text: Markup(to_wary_html(text)),  # noqa: S704 - it escapes and cleans
        "prose": prose,
        "when": when,
        "ago": ago,
        "filesize": filesize,
        "span": lasting,
        "words": lambda value: str(value).replace("_", " "),
    }
    environment.tests["masked"] = is_masked
    return environment


#: Stands for a line break that the author asked for, while the others are taken out.
_HARD = "\ue000"
_HARD_BREAK = re.compile(r"(?: {2,}|\\)\n")
_SOFT_BREAK = re.compile(r"(?<!\ue000)<br ?/?>\n")
_BETWEEN_HAN = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef]) (?=[\u3000-\u9fff\uff00-\uffef])")


def prose(text: str) -> Markup:
    """Markdown of an article: lines that its author wrapped flow on, as Markdown means them to."""
    html = _SOFT_BREAK.sub(" ", to_html(_HARD_BREAK.sub(f"{_HARD}\n", text)))
    return Markup(_BETWEEN_HAN.sub("", html).replace(_HARD, ""))  # noqa: S704 - to_html escapes and cleans


def when(at: datetime) -> Markup:
    """A time element: readable without scripts, in the reader's own zone with them."""
    shown = f"{at.day} {at:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}" data-when>{}</time>').format(at.isoformat(timespec="seconds"), shown)


def ago(at: datetime, now: datetime) -> Markup:
    """How long ago, in words, with the exact time beside it."""
    return Markup('<time datetime="{}" data-ago>{}</time>').format(
        at.isoformat(timespec="seconds"), _span(at, now)
    )


def _span(at: datetime, now: datetime) -> str:
    minutes = max(0, int((now - at).total_seconds() // 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def lasting(seconds: float) -> str:
    """A length of time in words: 40 s, 12 min, 3 h, 5 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"


def filesize(size: int) -> str:
    """Bytes in words: 12 KB, 3.4 MB."""
    return f"{size / 1_048_576:.1f} MB" if size >= 1_000_000 else f"{max(1, size // 1024)} KB"
