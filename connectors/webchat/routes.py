"""The chat over plain HTTP: its page, sessions, history, messages and files."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import BodyPartReader, web

from connectors.webchat import pages, wire
from connectors.webchat.visits import Visits
from gateway.connector import capped
from gateway.errors import InvalidPayload, Refused, Retryable, StoreError
from gateway.model import Attachment

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069]+")


class Routes:
    """Handlers of one chat. Everything under /chat/api speaks JSON."""

    def __init__(self, visits: Visits) -> None:
        self.visits = visits

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/chat", self.page)
        app.router.add_get("/chat/widget.js", self.widget)
        app.router.add_get("/chat/static/{name}", self.static)
        app.router.add_post("/chat/api/session", guarded(self.session))
        app.router.add_get("/chat/api/history", guarded(self.history))
        app.router.add_post("/chat/api/messages", guarded(self.messages))
        app.router.add_post("/chat/api/files", guarded(self.upload))
        app.router.add_get("/chat/api/files/{sha256}", guarded(self.file))

    async def page(self, request: web.Request) -> web.Response:
        embedded = request.query.get("embed") == "1"
        host = self.visits.host
        return pages.page(self.visits.settings, host.company, host.bot_name, embedded=embedded)

    async def widget(self, request: web.Request) -> web.Response:
        return pages.static("widget.js", anywhere=True)

    async def static(self, request: web.Request) -> web.Response:
        return pages.static(request.match_info["name"])

    async def session(self, request: web.Request) -> web.Response:
        """{"resume": …} or {} -> {"token": …}."""
        check_origin(request, self.visits)
        body = wire.read_session(await _capped(request, wire.MAX_FRAME))
        return _json({"token": self.visits.begin(source(request, self.visits), body.resume)})

    async def history(self, request: web.Request) -> web.Response:
        visitor = self._visitor(request)
        after = request.query.get("after", "0")
        known = int(after) if re.fullmatch(r"[0-9]{1,15}", after) else 0
        return _json({"type": "entries", "entries": await self.visits.shown(visitor, known)})

    async def messages(self, request: web.Request) -> web.Response:
        """One frame as on the WebSocket; "taken" once it is durable."""
        check_origin(request, self.visits)
        visitor = self._visitor(request)
        raw = await _capped(request, wire.MAX_FRAME)
        match wire.read_frame(raw):
            case wire.Say() | wire.Press() | wire.Email() as spoken:
                await self.visits.take(spoken, visitor, source(request, self.visits), raw)
                return _json({"type": "taken", "id": spoken.id})
            case wire.Seen() as frame:
                self.visits.seen(visitor, frame)
            case wire.Typing():
                self.visits.typing(visitor)
            case wire.Hello():
                raise InvalidPayload("Say hello on the WebSocket only.")
        return _json({"type": "ok"})

    async def upload(self, request: web.Request) -> web.Response:
        """multipart/form-data with one part `file`; the query names the browser's own id."""
        check_origin(request, self.visits)
        visitor = self._visitor(request)
        client = request.query.get("id", "")
        if not _CLIENT_ID.fullmatch(client):
            raise InvalidPayload("The upload has no id.")
        file = await _file(request, self.visits.settings.max_file_bytes)
        await self.visits.take_file(file, client, visitor, source(request, self.visits))
        return _json({"type": "taken", "id": client})

    async def file(self, request: web.Request) -> web.Response:
        content, name = await self.visits.file(self._visitor(request), request.match_info["sha256"])
        return pages.download(content, name)

    def _visitor(self, request: web.Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.visits.who(token.strip() if scheme.lower() == "bearer" else "")


def guarded(handler: Handler) -> Handler:
    """Errors of ours as JSON with the status that tells a browser what to do."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except InvalidPayload as error:
            return _json({"type": "error", "code": "invalid", "detail": str(error)}, 400)
        except Refused as error:
            return _json({"type": "error", "code": "refused", "detail": str(error)}, 403)
        except Retryable as error:
            wait = math.ceil(error.after or 1)
            return _json(
                {"type": "error", "code": "slow", "detail": str(error)}, 429, {"Retry-After": str(wait)}
            )
        except StoreError:
            return _json(
                {"type": "error", "code": "retry", "detail": "Try again."}, 503, {"Retry-After": "2"}
            )

    return answer


def check_origin(request: web.Request, visits: Visits) -> None:
    """Raises Refused when another site's page is asking."""
    origin = request.headers.get("Origin", "").lower()
    if origin in visits.settings.allowed_origins:
        return
    if not pages.own_origin(origin, visits.host.public_url, request.host):
        raise Refused("This chat may not be used from there.")


def source(request: web.Request, visits: Visits) -> str:
    """The peer's network address, as our own proxies report it; an IPv6 network counts as one."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    proxies = visits.settings.proxies
    address = hops[-proxies] if 0 < proxies <= len(hops) else request.remote or ""
    return ":".join(address.split(":")[:4]) if address.count(":") > 3 else address


async def _capped(request: web.Request, limit: int) -> bytes:
    """The body, read no further than the limit. Raises HTTPRequestEntityTooLarge."""
    body = await capped(request, limit)
    if body is None:
        raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=request.content_length or 0)
    return body


async def _file(request: web.Request, limit: int) -> Attachment:
    if not limit or (request.content_length or 0) > limit + 4096:
        raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=request.content_length or 0)
    if request.content_type != "multipart/form-data":
        raise InvalidPayload("A file is sent as multipart/form-data.")
    part = await _first_part(request)
    content = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        content += chunk
        if len(content) > limit:
            raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=len(content))
    kind = part.headers.get("Content-Type", "application/octet-stream")[:100]
    name = file_name(part.filename or "")
    return Attachment(filename=name, content_type=kind, size=len(content), content=bytes(content))


async def _first_part(request: web.Request) -> BodyPartReader:
    try:
        part = await (await request.multipart()).next()
    except (ValueError, AssertionError) as error:
        raise InvalidPayload("The upload is not well formed.") from error
    if not isinstance(part, BodyPartReader) or part.name != "file":
        raise InvalidPayload("The upload has no file.")
    return part


def file_name(name: str) -> str:
    """A name without folders, control characters or tricks of direction, at most 120 characters."""
    cleaned = _UNSAFE.sub(" ", re.split(r"[/\\]", name)[-1]).strip(" .")
    return cleaned[-120:] or "file"


def _json(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    safe = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.json_response(body, status=status, headers=safe | (headers or {}))
