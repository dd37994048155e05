"""Attachments of a ticket, always as downloads: nothing that a stranger sent runs on the desk."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from gateway.web.desk import read_ticket
from gateway.web.site import site_of


def add_to(app: web.Application) -> None:
    app.router.add_get("/desk/file/{ticket:[0-9]{1,15}}/{sha256:[0-9a-f]{64}}", download)


async def download(request: web.Request) -> web.Response:
    """The bytes of a file of this ticket. Raises Refused, HTTPNotFound."""
    shown, sha256 = await read_ticket(request), request.match_info["sha256"]
    names = {a.sha256: a.filename for entry in shown.entries for a in entry.attachments}
    if sha256 not in names:
        raise web.HTTPNotFound()
    content = await site_of(request).host.file(sha256)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(names[sha256] or 'file', safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return web.Response(body=content, content_type="application/octet-stream", headers=headers)
