"""Slack as the agents' desk, over HTTP: proves that a request is Slack's, keeps it, then answers.

Events (notes typed in a card's thread) go to the ledger; buttons and forms go through `interactions`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response

from connectors.slack import incoming_files
from connectors.slack.interactions import Interactions, whisper
from connectors.slack.normalize import normalize, note_event
from connectors.slack.payloads import Envelope, File, read, read_interaction, read_json
from connectors.slack.people import People, Person, Standing
from connectors.slack.sending import Sender
from connectors.slack.settings import Settings
from connectors.slack.signing import Verifier
from connectors.slack.webapi import FAILURES, WebApi
from gateway.connector import Capabilities, Host
from gateway.errors import InvalidPayload, Refused, Retryable, StoreError
from gateway.model import AgentAction, Attachment, Delivery, Outgoing, Sent, TicketView

__all__ = ["Settings", "Slack"]

log = logging.getLogger(__name__)

MAX_BODY = 1_000_000  #: bytes; Slack's own payloads stay far below
MAX_FILE = 50_000_000


class Slack:
    """One workspace. Routes: /slack/<account>/events, …/interactions, and /slack/<account> for both."""

    name = "slack"

    def __init__(self, account: str, settings: Settings, key: bytes) -> None:
        self.account = account
        self.capabilities = Capabilities(
            buttons=True,
            files=True,
            threads=True,
            edits=True,
            private=True,
            max_file=MAX_FILE,
            loopback=settings.loopback(),
        )
        self._settings = settings
        self._api = WebApi(settings)
        self._door: Door | None = None

    def attach(self, app: web.Application, host: Host) -> None:
        self._door = Door(self.account, self._settings, self._api, host)
        for path in ("", "/events", "/interactions"):
            app.router.add_post(f"/slack/{self.account}{path}", self._door.handle)
        app.cleanup_ctx.append(self._door.running)

    async def send(self, outgoing: Outgoing) -> Sent:
        if self._door is None:
            raise Retryable("The Slack connector is not running yet.")
        return await self._door.sender.send(outgoing)


class Door:
    """What stands behind the routes of one workspace while the program runs."""

    def __init__(self, account: str, settings: Settings, api: WebApi, host: Host) -> None:
        self._account, self._settings, self._api, self._host = account, settings, api, host
        self._verifier = Verifier(settings.signing_secret.get_secret_value(), host.clock)
        self.people = People(account, settings.team_id, api, host.clock)
        self.sender = Sender(account, settings.team_id or account, api, host.file)
        self._interactions = Interactions(account, host, api, self.people, self._later, settings.file_limit)
        self._tasks: set[asyncio.Task[None]] = set()
        self._good: dict[
            tuple[str, str, str], datetime
        ] = {}  #: authors whose notes need no second look until then

    async def running(self, app: web.Application) -> AsyncIterator[None]:
        """A cleanup context: one session, and what was promised after an answer is finished or given up."""
        await self._api.open()
        self._later(self._introduce())
        yield
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=2)
            for task in late:
                task.cancel()
        await self._api.close()

    async def handle(self, request: web.Request) -> web.Response:
        """Everything that Slack posts: 401 unless proven, 400 for what it does not document, 503 if not kept."""
        body = await _capped(request)
        if body is None:
            return web.Response(status=413)
        if not self._verifier.accepts(body, request.headers):
            log.warning("slack request refused account=%s reason=signature", self._account)
            return web.Response(status=401)
        try:
            return await self._proven(body, request)
        except InvalidPayload as error:
            log.warning("slack request refused account=%s error=%s", self._account, error)
            return web.Response(status=400)

    async def _proven(self, body: bytes, request: web.Request) -> web.Response:
        if request.content_type != "application/x-www-form-urlencoded":
            return await self._event(read_json(body), body)
        payload = _form_field(body, "payload")
        if payload is None:
            return web.Response()  # ssl_check and other probes: nothing to do
        interaction = read_interaction(read_json(payload))
        if interaction is None:
            return web.Response()
        return await to_aiohttp_response(await self._interactions.handle(interaction))

    async def _event(self, payload: dict[str, Any], raw: bytes) -> web.Response:
        envelope = read(payload, Envelope)
        if envelope.type == "url_verification":
            return web.Response(text=envelope.challenge or "")
        if envelope.type != "event_callback":
            return web.Response()
        for note in normalize(payload, self._host.clock.now(), self._account):
            status = await self._note(note, payload, raw)
            if status != 200:
                return web.Response(status=status, headers={"Retry-After": "30"})
        return web.Response()

    async def _note(self, note: AgentAction, payload: dict[str, Any], raw: bytes) -> int:
        """Takes one note into the ledger and answers what Slack should hear; 503 makes it come again."""
        said = note_event(payload)
        team, _, user = note.actor.value.partition(":")
        if user == self.people.bot_user:
            return 200
        person, files = await self._looked_up(user, team, said.files or ())
        if person.refusal and person.standing is not Standing.UNKNOWN:
            self._later(self._tell(note, person, person.refusal))
            return 200
        # With Slack silent about the person the note is kept all the same: the core asks its own list of
        # agents, and `verified` says that the membership was not checked.
        note = msgspec.structs.replace(note, actor=person.identity, attachments=files)
        try:
            receipts = await self._host.receive([Delivery(input=note, raw=raw)])
        except StoreError as error:
            log.warning("slack event not kept account=%s error=%s", self._account, error)
            return 503
        if said.parent_user_id and not receipts[0].duplicate and not self._passed(note, person):
            self._later(self._check(note, person))
        return 200

    async def _looked_up(
        self, user: str, team: str, files: Sequence[File]
    ) -> tuple[Person, tuple[Attachment, ...]]:
        """The author and the files, asked for at the same time; without a task where nothing has to be asked."""
        known = self.people.known(user, team)
        if known and not files:
            return known, ()
        fetched = incoming_files.fetch(files, self._api, self._settings.file_limit)
        return await asyncio.gather(self.people.look(user, team), fetched)

    def _passed(self, note: AgentAction, person: Person) -> bool:
        """Whether this author's notes in this channel were found good a moment ago."""
        until = self._good.get((person.team, person.user, note.address.conversation if note.address else ""))
        return until is not None and until > self._host.clock.now()

    async def _check(self, note: AgentAction, person: Person) -> None:
        """Tells the author when the core will not have the note of somebody who is no agent here."""
        try:
            await self._host.ticket(TicketView(actor=note.actor, address=note.address))
            where = note.address.conversation if note.address else ""
            if len(self._good) > 1000:
                self._good.clear()
            self._good[person.team, person.user, where] = self._host.clock.deadline(60)
        except Refused as refused:
            await self._tell(note, person, str(refused))
        except StoreError as error:
            log.warning("slack note not checked account=%s error=%s", self._account, error)

    async def _tell(self, note: AgentAction, person: Person, line: str) -> None:
        if note.address:
            where, thread = note.address.conversation, note.address.thread
            await whisper(self._api, self._account, where, person.user, line, thread=thread)

    async def _introduce(self) -> None:
        """Learns which workspace the token belongs to, and says loudly when it belongs to none."""
        try:
            answer = await self._api.call("auth.test", {})
        except FAILURES as error:
            log.error("slack link broken account=%s error=%s", self._account, error)
            return
        self.people.settle(str(answer.get("team_id") or ""), str(answer.get("user_id") or ""))
        log.info("slack link up account=%s team=%s", self._account, answer.get("team_id"))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _capped(request: web.Request) -> bytes | None:
    """The body, None when it is over the limit, whether or not a length was announced."""
    if (request.content_length or 0) > MAX_BODY:
        return None
    body = bytearray()
    async for chunk in request.content.iter_chunked(65536):
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _form_field(body: bytes, name: str) -> str | None:
    """One field of a form. Raises InvalidPayload when it is no readable form."""
    try:
        return parse_qs(body.decode(), max_num_fields=20).get(name, [None])[0]
    except ValueError as error:  # UnicodeDecodeError is one, too many fields is another
        raise InvalidPayload("the body is no form") from error
