"""A stand-in of a Mastodon server for tests: what our account sees of it, as documented.

Written from docs.joinmastodon.org; the page is named at each route. Stricter than Mastodon where that finds mistakes:
parameters that a method does not document are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

from aiohttp import web

TOKEN = "standin-access-token"
LIMIT = 500
#: docs.joinmastodon.org/methods/statuses#create, "Form data parameters".
POSTING = {
    *("status", "media_ids[]", "in_reply_to_id", "sensitive", "spoiler_text", "visibility", "language"),
    *("scheduled_at", "quoted_status_id", "quote_approval_policy"),
}
#: docs.joinmastodon.org/methods/notifications#get, "Query parameters".
ASKING = {
    "max_id",
    "since_id",
    "min_id",
    "limit",
    "types[]",
    "exclude_types[]",
    "account_id",
    "include_filtered",
}


Answer = Callable[["Server", web.Request], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True)
class Server:
    """One server with our account `support` and whoever writes to it."""

    url: str = ""
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)  # Idempotency-Key -> status
    asked: list[str] = field(default_factory=list)  # min_id of every look for news
    served: list[tuple[str, ...]] = field(default_factory=list)  # what each look was given
    again: list[str] = field(default_factory=list)  # notifications that the next look is given once more
    media: dict[str, dict[str, Any]] = field(default_factory=dict)  # what was uploaded
    fault: tuple[int, dict[str, str]] | None = None
    reset_after: int = 0
    count: int = 110_000_000_000_000_000
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    def number(self) -> str:
        self.count += 1
        return str(self.count)

    def mentions(
        self, text: str, *, who: str = "mia", visibility: str = "public", reply_to: str = "", **more: Any
    ) -> dict[str, Any]:
        """Somebody names us in a post; the notification."""
        us = f'<a href="{self.url}/@support" class="u-url mention">@<span>support</span></a>'
        content = f'<p><span class="h-card">{us}</span> '
        content += "</p><p>".join(escape(part).replace("\n", "<br>") for part in text.split("\n\n")) + "</p>"
        status = self.keep(who, content, visibility, reply_to, **more)
        notification = {
            "id": self.number(),
            "type": "mention",
            "created_at": status["created_at"],
            "account": status["account"],
            "status": status,
        }
        self.notifications.append(notification)
        return notification

    def keep(self, who: str, content: str, visibility: str, reply_to: str, **more: Any) -> dict[str, Any]:
        """docs.joinmastodon.org/entities/Status."""
        status = {
            "id": self.number(),
            "created_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "in_reply_to_id": reply_to or None,
            "sensitive": False,
            "spoiler_text": "",
            "visibility": visibility,
            "language": "en",
            "uri": f"{self.url}/statuses/1",
            "url": f"{self.url}/@{who}/1",
            "content": content,
            "account": account(who),
            "media_attachments": [],
            "mentions": [],
            **more,
        }
        self.statuses[str(status["id"])] = status
        return status

    def ours(self, *visibilities: str) -> list[dict[str, Any]]:
        """What our account posted, in order."""
        found = [status for status in self.statuses.values() if status["account"]["id"] == "1"]
        return [status for status in found if not visibilities or status["visibility"] in visibilities]


def account(who: str) -> dict[str, Any]:
    """docs.joinmastodon.org/entities/Account."""
    number = "1" if who == "support" else str(1000 + sum(who.encode()))
    return {
        "id": number,
        "username": who.partition("@")[0],
        "acct": who,
        "display_name": who.partition("@")[0].title(),
        "bot": who.startswith("bot"),
        "locked": False,
        "url": f"https://example.social/@{who}",
    }


@asynccontextmanager
async def running() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    for method, path, answer in ROUTES:

        async def handle(request: web.Request, answer: Answer = answer) -> web.StreamResponse:
            return await answer(server, request)

        app.router.add_route(method, path, handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


async def _verify(server: Server, request: web.Request) -> web.Response:
    """docs.joinmastodon.org/methods/accounts#verify_credentials."""
    return _refused(request) or web.json_response({**account("support"), "source": {}})


async def _notifications(server: Server, request: web.Request) -> web.Response:
    """docs.joinmastodon.org/methods/notifications#get: `min_id` gives the immediately newer ones, newest first."""
    if refused := _refused(request):
        return refused
    if unknown := set(request.query) - ASKING:
        return web.json_response({"error": f"unknown parameter {unknown}"}, status=422)
    types, limit = request.query.getall("types[]", []), int(request.query.get("limit", 40))
    after, least = request.query.get("min_id", ""), min(limit, 80)
    fitting = [n for n in server.notifications if not types or n["type"] in types]
    if after:
        page = [n for n in fitting if int(n["id"]) > int(after)][:least]
        page = [n for n in fitting if n["id"] in server.again] + [
            n for n in page if n["id"] not in server.again
        ]
        server.again.clear()
    else:
        page = fitting[-least:]
    server.asked.append(after)
    server.served.append(tuple(n["id"] for n in page))
    server.looked.set()
    return web.json_response(page[::-1])


async def _instance(server: Server, request: web.Request) -> web.Response:
    """docs.joinmastodon.org/methods/instance#v2 and #v1."""
    media = {
        "supported_mime_types": ["image/png", "image/jpeg", "video/mp4", "audio/mpeg"],
        "image_size_limit": 16_777_216,
        "video_size_limit": 103_809_024,
        "description_limit": 1500,
    }
    statuses = {"max_characters": LIMIT, "max_media_attachments": 4}
    return web.json_response(
        {
            "domain": "example.social",
            "version": "4.4.0",
            "api_versions": {"mastodon": 6},
            "configuration": {"media_attachments": media, "statuses": statuses},
        }
    )


async def _upload(server: Server, request: web.Request) -> web.Response:
    """docs.joinmastodon.org/methods/media#v2: 202 and no url while a film is being worked on."""
    if refused := _refused(request):
        return refused
    form = await request.post()
    file, description = form.get("file"), str(form.get("description", ""))
    if not isinstance(file, web.FileField) or len(description) > 1500:
        return web.json_response({"error": "Validation failed"}, status=422)
    number, film = server.number(), not file.content_type.startswith("image/")
    made = {"id": number, "type": "video" if film else "image", "description": description, "url": None}
    server.media[number] = {**made, "content": file.file.read(), "content_type": file.content_type}
    if not film:
        server.media[number]["url"] = f"{server.url}/media/{number}"
    return web.json_response(_medium(server.media[number]), status=202 if film else 200)


async def _media(server: Server, request: web.Request) -> web.Response:
    """docs.joinmastodon.org/methods/media#get: 206 while it is not ready; here the second look finds it so."""
    medium = server.media.get(request.match_info["id"])
    if medium is None:
        return web.json_response({"error": "Record not found"}, status=404)
    ready, medium["looked"] = medium.get("looked", False), True
    if ready:
        medium["url"] = f"{server.url}/media/{medium['id']}"
    return web.json_response(_medium(medium), status=200 if ready else 206)


def _medium(medium: dict[str, Any]) -> dict[str, Any]:
    return {name: medium[name] for name in ("id", "type", "description", "url")}


def _together(server: Server, numbers: list[str]) -> bool:
    """Whether these may be in one post: at most four pictures, or one film or sound, all of them ready."""
    found = [server.media.get(number) for number in numbers]
    if any(medium is None or not medium["url"] for medium in found):
        return False
    return len(found) <= 1 or (len(found) <= 4 and all(m and m["type"] == "image" for m in found))


async def _create(server: Server, request: web.Request) -> web.Response:
    """docs.joinmastodon.org/methods/statuses#create."""
    if refused := _refused(request):
        return refused
    if server.fault is not None:
        status, headers = server.fault
        return web.json_response({"error": "as told"}, status=status, headers=headers)
    form = await request.post()
    key = request.headers.get("Idempotency-Key", "")
    if key and key in server.made:
        return web.json_response(server.statuses[server.made[key]])
    text, above = str(form.get("status", "")), str(form.get("in_reply_to_id", ""))
    if unknown := {name.replace("[0]", "[]") for name in form} - POSTING:
        return web.json_response({"error": f"unknown parameter {unknown}"}, status=422)
    media = [str(value) for name, value in form.items() if name.startswith("media_ids[")]
    if media and not _together(server, media):
        return web.json_response({"error": "Cannot attach these files together"}, status=422)
    if above and above not in server.statuses:
        return web.json_response({"error": "Record not found"}, status=404)
    if (
        not text.strip()
        or len(text) > LIMIT
        or form.get("visibility") not in ("public", "unlisted", "private", "direct")
    ):
        return web.json_response({"error": "Validation failed"}, status=422)
    made = server.keep("support", escape(text), str(form["visibility"]), above, plain=text, media=media)
    server.made[key] = str(made["id"])
    return web.json_response(made)


ROUTES: tuple[tuple[str, str, Answer], ...] = (
    ("GET", "/api/v1/accounts/verify_credentials", _verify),
    ("GET", "/api/v1/notifications", _notifications),
    ("POST", "/api/v1/statuses", _create),
    ("GET", "/api/v1/instance/", _instance),
    ("GET", "/api/v1/instance", _instance),
    ("GET", "/api/v2/instance/", _instance),
    ("GET", "/api/v2/instance", _instance),
    ("POST", "/api/v2/media", _upload),
    ("GET", "/api/v1/media/{id}", _media),
)


def _refused(request: web.Request) -> web.Response | None:
    if request.headers.get("Authorization") == f"Bearer {TOKEN}":
        return None
    return web.json_response({"error": "The access token is invalid"}, status=401)
