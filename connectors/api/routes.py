"""The routes below /api/v1: who asks, whether they may, and what they get."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from connectors.api import wire
from connectors.api.limits import Buckets
from connectors.api.openapi import Operation, Param, document
from connectors.api.problems import Failed, answer
from connectors.api.settings import Settings
from gateway.connector import Host, capped
from gateway.errors import InvalidPayload, Refused, StoreError
from gateway.model import Address, ApiKey, Delivery, History, Identity, Side, Status, TicketPage, TicketView
from gateway.overviews import KeyOf, Listing

T = TypeVar("T")
Work = Callable[[web.Request, ApiKey], Awaitable[tuple[int, Any]]]

BASE = "/api/v1"
PAGE = 50
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 2**53}
_AFTER = Param(name="after", place="query", schema=_NUMBER, explain="Id of the last one of the page before.")
_LIMIT = Param(
    name="limit",
    place="query",
    schema={"type": "integer", "minimum": 1, "maximum": 200},
    explain="Of one page; 50.",
)
_TICKET = Param(
    name="ticket", place="path", schema={**_NUMBER, "minimum": 1}, explain="Number of the ticket."
)
_IDEMPOTENCY = Param(
    name="Idempotency-Key", place="header", required=True,
    schema={"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9._~:/+=-]+$"},
    explain="Your own name for this request; the same again changes nothing.",
)  # fmt: skip


def _text(name: str, explain: str, **more: Any) -> Param:
    schema = {"type": "string", "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]*$", **more}
    return Param(name=name, place="query", schema=schema, explain=explain)


OPERATIONS = (
    Operation(
        method="POST", path="/messages", name="sendMessage", explain="Somebody says something to us.",
        scope="messages", params=(_IDEMPOTENCY,), body=wire.NewMessage, answer=wire.Taken, status=202,
    ),
    Operation(
        method="GET", path="/messages", name="readConversation", scope="messages", answer=wire.Lines,
        explain="What the person of a conversation may see, oldest first.",
        params=(
            Param(
                name="conversation", place="query", required=True, explain="As it was sent, or the person's id.",
                schema={"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]+$"},
            ),
            _AFTER, _LIMIT,
        ),
    ),
    Operation(
        method="GET", path="/tickets", name="listTickets", scope="read", answer=wire.Rows, statuses=(404,),
        explain="Tickets that the member may see, newest first.",
        params=(
            _text("queue", "Only of this queue."),
            _text("status", "Only in this status.", enum=[status.value for status in Status]),
            _text("owner", "Only of this member."),
            _text("q", "Words, a person or a reference."),
            Param(name="before", place="query", schema=_NUMBER, explain="Id of the last one of the page before."),
            _LIMIT,
        ),
    ),
    Operation(
        method="GET", path="/tickets/{ticket}", name="readTicket", scope="read", answer=wire.Whole, params=(_TICKET,),
        statuses=(404,), explain="One ticket, and what the member may do with it now.",
    ),
    Operation(
        method="GET", path="/tickets/{ticket}/messages", name="readMessages", scope="read", answer=wire.Lines,
        params=(_TICKET, _AFTER, _LIMIT), statuses=(404,), explain="What was said on it, notes included, oldest first.",
    ),
    Operation(
        method="GET", path="/tickets/{ticket}/events", name="readEvents", scope="read", answer=wire.Events,
        params=(_TICKET, _AFTER, _LIMIT), statuses=(404,), explain="What happened to it and why, oldest first.",
    ),
    Operation(
        method="POST", path="/tickets/{ticket}/actions", name="act", scope="act", body=wire.Action, answer=wire.Done,
        params=(_TICKET, _IDEMPOTENCY), statuses=(404, 409), explain="The member does something with it.",
    ),
    Operation(method="GET", path="/openapi.json", name="readDocument", explain="This document."),
)  # fmt: skip


class Routes:
    """The API of one account."""

    def __init__(self, account: str, settings: Settings, host: Host) -> None:
        self._account, self._settings, self._host = account, settings, host
        self._requests = Buckets(settings.per_minute, host.clock.now)
        self._guesses = Buckets(settings.guesses, host.clock.now)
        self._work: Mapping[str, Work] = {
            "sendMessage": self._send,
            "readConversation": self._conversation,
            "listTickets": self._tickets,
            "readTicket": self._ticket,
            "readMessages": self._messages,
            "readEvents": self._events,
            "act": self._act,
        }

    def add_to(self, app: web.Application) -> None:
        """Every operation of the table, and a plain answer for every other path below."""
        for operation in OPERATIONS:
            app.router.add_route(operation.method, f"{BASE}{operation.path}", self._handler(operation))
        for path in dict.fromkeys(operation.path for operation in OPERATIONS):
            app.router.add_route("*", f"{BASE}{path}", self._other)
        app.router.add_route("*", BASE + "/{tail:.*}", self._nothing)

    def _handler(self, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                if not operation.scope:
                    return web.json_response(document(BASE, OPERATIONS, self._host.public_url))
                key = await self._who(request, operation.scope)
                _known_only(request, operation)
                status, made = await self._work[operation.name](request, key)
            except Failed as failed:
                return answer(failed)
            except (InvalidPayload, msgspec.ValidationError) as error:
                return answer(Failed(422, f"{error}"))
            except Refused as refused:
                return answer(Failed(404, str(refused)))
            except StoreError:
                return answer(Failed(503, "It was not kept. Send it again.", Retry_After="5"))
            return web.Response(
                body=msgspec.json.encode(made), status=status, content_type="application/json"
            )

        return handle

    async def _other(self, request: web.Request) -> web.Response:
        path = request.match_info.route.resource
        known = path.canonical.removeprefix(BASE) if path is not None else ""
        methods = [operation.method for operation in OPERATIONS if operation.path == known]
        return answer(Failed(405, f"Use {' or '.join(methods)}.", Allow=", ".join(methods)))

    async def _nothing(self, request: web.Request) -> web.Response:
        return answer(Failed(404, f"There is no such path. {BASE}/openapi.json lists all."))

    async def _who(self, request: web.Request, scope: str) -> ApiKey:
        """The key of this request, if it may do this. Raises Failed with 401, 403 or 429."""
        source = request.remote or ""
        if wait := self._guesses.wait(source):
            raise Failed(429, "Too many wrong keys. Wait.", Retry_After=str(math.ceil(wait)))
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        key = (
            await self._host.view(KeyOf(token=token.strip()))
            if scheme.lower() == "bearer" and token.strip()
            else None
        )
        if key is None:
            self._guesses.take(source)
            what = "Send a key that is in use: Authorization: Bearer dgk_…"
            raise Failed(401, what, WWW_Authenticate='Bearer realm="deskgate"')
        if wait := self._requests.take(key.id):
            raise Failed(429, "Too many requests of this key. Wait.", Retry_After=str(math.ceil(wait)))
        if scope not in key.scopes:
            raise Failed(403, f"This key lacks the scope {scope}. Make one with `deskgate api-keys add`.")
        return key

    # ------------------------------------------------------------ people

    async def _send(self, request: web.Request, key: ApiKey) -> tuple[int, wire.Taken]:
        idempotency, raw = _idempotency(request), await self._body(request)
        body = _read(raw, wire.NewMessage)
        message = wire.message(
            body, account=self._account, app=key.name, key=idempotency, now=self._host.clock.now(),
            largest=self._settings.max_file_bytes,
        )  # fmt: skip
        (receipt,) = await self._host.receive([Delivery(input=message, raw=raw)])
        return 202, wire.Taken(id=receipt.ledger_id, duplicate=receipt.duplicate)

    async def _conversation(self, request: web.Request, key: ApiKey) -> tuple[int, wire.Lines]:
        conversation = _query_text(request, "conversation", required=True)
        address = Address(
            connector=wire.NAME, account=self._account, conversation=f"{key.name}:{conversation}"
        )
        limit = _limit(request)
        found = await self._host.history(
            History(address=address, after=_number(request, "after"), limit=limit + 1)
        )
        return 200, _lines([wire.line(entry) for entry in found], limit)

    # ------------------------------------------------------------ the desk

    async def _tickets(self, request: web.Request, key: ApiKey) -> tuple[int, wire.Rows]:
        limit, status = _limit(request), _query_text(request, "status")
        if "status" in request.query and status not in list(Status):
            raise Failed(422, f"status: choose from {', '.join(Status)}.")
        found = await self._host.view(
            Listing(
                actor=_actor(key),
                queue=_query_text(request, "queue") or None,
                statuses=(status,) if status else (),
                assignee=_query_text(request, "owner"),
                text=_query_text(request, "q"),
                before=_number(request, "before"),
                limit=limit + 1,
            )
        )
        rows = tuple(wire.row(each) for each in found[:limit])
        return 200, wire.Rows(items=rows, next=rows[-1].id if len(found) > limit else None)

    async def _page(self, request: web.Request, key: ApiKey) -> TicketPage:
        return await self._host.ticket(TicketView(actor=_actor(key), ticket=_ticket(request)))

    async def _ticket(self, request: web.Request, key: ApiKey) -> tuple[int, wire.Whole]:
        page = await self._page(request, key)
        legs = [leg.address.connector for leg in page.legs if leg.side is Side.REQUESTER and leg.current]
        verbs = tuple(form.verb.value for form in page.verbs)
        return 200, wire.whole(page.ticket, page.requester, legs[0] if legs else "", verbs)

    async def _messages(self, request: web.Request, key: ApiKey) -> tuple[int, wire.Lines]:
        after, limit = _number(request, "after"), _limit(request)
        page = await self._page(request, key)
        entries = sorted((entry for entry in page.entries if entry.id > after), key=lambda entry: entry.id)
        return 200, _lines([wire.line(entry) for entry in entries[: limit + 1]], limit)

    async def _events(self, request: web.Request, key: ApiKey) -> tuple[int, wire.Events]:
        after, limit = _number(request, "after"), _limit(request)
        page = await self._page(request, key)
        found = [wire.happened(event) for event in page.events if event.id > after][: limit + 1]
        items = tuple(found[:limit])
        return 200, wire.Events(items=items, next=items[-1].id if len(found) > limit else None)

    async def _act(self, request: web.Request, key: ApiKey) -> tuple[int, wire.Done]:
        idempotency, number = _idempotency(request), _ticket(request)
        body = _read(await self._body(request), wire.Action)
        await self._host.ticket(TicketView(actor=_actor(key), ticket=number))  # 404 for what may not be seen
        proposed = wire.action(
            body, account=self._account, app=key.name, key=idempotency, agent=key.agent, ticket=number,
            now=self._host.clock.now(), largest=self._settings.max_file_bytes,
        )  # fmt: skip
        result = await self._host.act(proposed)
        if result.state == "refused":
            raise Failed(409, result.detail)
        return 200, wire.Done(
            state=result.state, detail=result.detail, ticket=result.ticket, send=result.send
        )

    async def _body(self, request: web.Request) -> bytes:
        if request.content_type != "application/json":
            raise Failed(415, "Send JSON: Content-Type: application/json.")
        limit = self._settings.max_body
        body = await capped(request, limit)
        if body is None:
            raise Failed(413, f"At most {limit} bytes. Leave files out, or make them smaller.")
        return body


def _read(raw: bytes, kind: type[T]) -> T:
    try:
        return msgspec.convert(_whole(msgspec.json.decode(raw)), kind)
    except msgspec.ValidationError as error:
        raise Failed(422, f"{error}. See {BASE}/openapi.json.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failed(400, f"not JSON: {error}.") from error


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 1.0 is the integer 1."""
    match value:
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case list():
            return [_whole(each) for each in value]
        case dict():
            return {name: _whole(each) for name, each in value.items()}
        case _:
            return value


def _actor(key: ApiKey) -> Identity:
    return Identity(kind="agent", value=key.agent, verified=True)


def _known_only(request: web.Request, operation: Operation) -> None:
    known = {param.name for param in operation.params if param.place == "query"}
    if unknown := [name for name in request.query if name not in known]:
        raise Failed(
            422, f"{unknown[0]!r} is no parameter here. Known: {', '.join(sorted(known)) or 'none'}."
        )


def _idempotency(request: web.Request) -> str:
    value = request.headers.get("Idempotency-Key", "")
    plain = value.isascii() and all(char.isalnum() or char in "._~:/+=-" for char in value)
    if not 1 <= len(value) <= 200 or not plain:
        raise Failed(
            422,
            "Idempotency-Key: give your own name for this request, 1 to 200 of A-Z a-z 0-9 . _ ~ : / + = -",
        )
    return value


def _ticket(request: web.Request) -> int:
    text = request.match_info["ticket"]
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= 2**53 and len(text) < 20):
        raise Failed(422, "ticket: a number from 1 on.")
    return int(text)


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= 2**53):
        raise Failed(422, f"{name}: a number from 0 on.")
    return int(text)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(PAGE))
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= 200):
        raise Failed(422, "limit: a number from 1 to 200.")
    return int(text)


def _query_text(request: web.Request, name: str, *, required: bool = False) -> str:
    value = request.query.get(name, "")
    if required and not value:
        raise Failed(422, f"{name} is missing.")
    if len(value) > 200 or any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise Failed(422, f"{name}: at most 200 characters, none of them a control character.")
    return value


def _lines(found: list[wire.Line], limit: int) -> wire.Lines:
    items = tuple(found[:limit])
    return wire.Lines(items=items, next=items[-1].id if len(found) > limit else None)
