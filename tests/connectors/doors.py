"""How a message comes in by each channel, for the contract: the least that every connector must be able to show."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from gateway.app import Deskgate
from gateway.clock import SystemClock
from tests import slack_standin
from tests.connectors.telegram_door import telegram
from tests.running import free_port, running, settings_for
from tests.slack_posts import Poster, event_callback, thread_message
from tests.slack_standin import SECRET, TEAM, TOKEN


class Door(Protocol):
    """One channel of a running Deskgate, seen from its service's side."""

    deskgate: Deskgate

    async def deliver(self, number: int, text: str) -> bool:
        """Delivers message `number` (the same number is the same delivery); whether it was acknowledged."""
        ...

    async def garbage(self) -> bool:
        """Delivers something that this service never sends; whether it was acknowledged."""
        ...


class ChatDoor:
    """A browser that posts over plain HTTP."""

    def __init__(self, deskgate: Deskgate, http: aiohttp.ClientSession, base: str) -> None:
        self.deskgate, self._http, self._base = deskgate, http, base
        self._token = ""

    async def deliver(self, number: int, text: str) -> bool:
        if not self._token:
            async with self._post("session", {}) as answer:
                self._token = (await answer.json())["token"]
        async with self._post("messages", {"type": "message", "id": f"m{number}", "text": text}) as answer:
            return answer.status == 200

    async def garbage(self) -> bool:
        async with self._post("messages", ["no", "message"]) as answer:
            return answer.status == 200

    def _post(self, path: str, body: Any) -> Any:
        headers = {"Origin": self._base, "Authorization": f"Bearer {self._token}"}
        return self._http.post(f"{self._base}/chat/api/{path}", json=body, headers=headers)


class MailDoor:
    """A mail server that hands mail over by SMTP."""

    def __init__(self, deskgate: Deskgate, port: int) -> None:
        self.deskgate, self._port = deskgate, port

    async def deliver(self, number: int, text: str) -> bool:
        head = (
            f"From: Mia <mia@example.org>\r\nTo: support@shop.test\r\nMessage-ID: <{number}@example.org>\r\n"
        )
        kind = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        raw = f"{head}Subject: Question\r\nMIME-Version: 1.0\r\n{kind}\r\n{text}\r\n".encode()
        return await asyncio.to_thread(self._send, raw, "support@shop.test")

    async def garbage(self) -> bool:
        return await asyncio.to_thread(self._send, b"\x00\xff no mail", "nobody@elsewhere.test")

    def _send(self, raw: bytes, recipient: str) -> bool:
        with smtplib.SMTP("127.0.0.1", self._port) as smtp:
            try:
                smtp.sendmail("mia@example.org", [recipient], raw, mail_options=["BODY=8BITMIME"])
            except smtplib.SMTPException:
                return False
        return True


class SlackDoor:
    """Slack, posting what was typed below one of our messages."""

    def __init__(self, deskgate: Deskgate, poster: Poster) -> None:
        self.deskgate, self._poster = deskgate, poster

    async def deliver(self, number: int, text: str) -> bool:
        event = thread_message(self._poster.slack, "1000.0001", text)
        status, _ = await self._poster.json(event_callback(event, f"Ev{number:08d}"))
        return status == 200

    async def garbage(self) -> bool:
        status, _ = await self._poster.raw(
            b"\xff{", {"X-Slack-Signature": "v0=00", "X-Slack-Request-Timestamp": "1"}
        )
        return status == 200


@asynccontextmanager
async def webchat(folder: Path) -> AsyncIterator[Door]:
    port = free_port()
    async with running(settings_for(folder, port)) as deskgate, aiohttp.ClientSession() as http:
        yield ChatDoor(deskgate, http, f"http://127.0.0.1:{port}")


@asynccontextmanager
async def email(folder: Path) -> AsyncIterator[Door]:
    port = free_port()
    account = {
        "address": "support@shop.test",
        "listen": f"127.0.0.1:{port}",
        "outgoing_folder": str(folder / "mail"),
        "smtp_security": "none",
    }
    settings = settings_for(folder, free_port(), connectors={"email": {"support": account}})
    async with running(settings) as deskgate:
        yield MailDoor(deskgate, port)


@asynccontextmanager
async def slack(folder: Path) -> AsyncIterator[Door]:
    async with slack_standin.running(SystemClock()) as workspace, aiohttp.ClientSession() as http:
        port = free_port()
        account = {
            "signing_secret": SECRET,
            "bot_token": TOKEN,
            "team_id": TEAM,
            "api_url": workspace.api_url,
        }
        settings = settings_for(folder, port, connectors={"slack": {"main": account}})
        async with running(settings) as deskgate:
            poster = Poster(slack=workspace, http=http, url=f"http://127.0.0.1:{port}/slack/main")
            yield SlackDoor(deskgate, poster)


#: One line a channel; test_contract.py runs over all of them.
DOORS = {"webchat": webchat, "email": email, "slack": slack, "telegram": telegram}
