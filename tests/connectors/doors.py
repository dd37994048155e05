"""How a message comes in and goes out by each channel, for the suite that every connector passes."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from typing_extensions import override

from gateway.clock import SystemClock
from gateway.conformance import Door, Refusal, Served
from gateway.model import Address, AgentAction, Identity, SendKind, Sent, Verb
from gateway.views import TicketFilter
from tests import slack_standin
from tests.connectors.api_door import api
from tests.connectors.mastodon_door import mastodon
from tests.connectors.telegram_door import telegram
from tests.connectors.test_email_outgoing import Relay, serving
from tests.slack_people import Wire, Writer
from tests.slack_posts import Poster, event_callback, signed
from tests.slack_standin import SECRET, TEAM, TOKEN
from tests.slack_standin import Fault as SlackFault

Opened = Callable[[Path], AbstractAsyncContextManager[Door]]


class ChatDoor(Door):
    """A browser that posts over plain HTTP."""

    def __init__(self, served: Served, http: aiohttp.ClientSession) -> None:
        super().__init__(served)
        self._http = http
        self._token, self._entering = "", asyncio.Lock()

    @override
    async def deliver(self, number: int, text: str) -> bool:
        async with self._entering:
            if not self._token:
                async with self._post("session", {}) as answer:
                    self._token = (await answer.json())["token"]
        return await self._posted({"type": "message", "id": f"m{number}", "text": text})

    @override
    async def garbage(self) -> bool:
        return await self._posted(["no", "message"])

    @override
    async def unsigned(self, text: str) -> bool:
        return await self._posted({"type": "message", "id": "u1", "text": text}, token="")

    @override
    async def forged(self, text: str) -> bool:
        await self.deliver(1, "Hello")
        other = ("A" if self._token[-5] != "A" else "B").join((self._token[:-5], self._token[-4:]))
        return await self._posted({"type": "message", "id": "u1", "text": text}, token=other)

    @override
    async def attach(self, number: int) -> bool:
        await self.deliver(number + 1, "A file is coming")
        form = aiohttp.FormData()
        form.add_field("file", b"x" * 3000, filename="big.png", content_type="image/png")
        headers = {"Origin": self.served.url, "Authorization": f"Bearer {self._token}"}
        url = f"{self.served.url}/chat/api/files?id=f{number}"
        async with self._http.post(url, data=form, headers=headers) as answer:
            assert answer.status in (200, 413), await answer.text()
            return answer.status == 200

    @override
    def address(self) -> Address:
        raise NotImplementedError

    @override
    async def say(self, text: str, kind: SendKind = SendKind.AGENT) -> Sent:
        """An agent answers: a browser reads what is said from the history, so only the whole way shows it."""
        (ticket,) = await self.deskgate.store.ticket_lines(TicketFilter())
        action = AgentAction(
            connector="desk", account="suite", delivery_key="a1", at=SystemClock().now(), verb=Verb.REPLY,
            actor=Identity(kind="agent", value="ana", verified=True), ticket=ticket.id, text=text,
        )  # fmt: skip
        result = await self.deskgate.host.act(action)
        assert result.state in ("done", "accepted"), result
        async with asyncio.timeout(60):
            while "end" not in await self.shown() and "Paragraph 299" not in await self.shown():
                await asyncio.sleep(0.05)
        return Sent(external_ids=("history",))

    @override
    async def shown(self) -> str:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._http.get(f"{self.served.url}/chat/api/history", headers=headers) as answer:
            return "\n".join(str(entry.get("html", "")) for entry in (await answer.json())["entries"])

    async def _posted(self, body: Any, token: str | None = None) -> bool:
        try:
            async with self._post("messages", body, token) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def _post(self, path: str, body: Any, token: str | None = None) -> Any:
        shown = self._token if token is None else token
        headers = {"Origin": self.served.url, **({"Authorization": f"Bearer {shown}"} if shown else {})}
        return self._http.post(f"{self.served.url}/chat/api/{path}", json=body, headers=headers)


class MailDoor(Door):
    """A mail server that hands mail over by SMTP, and the relay that takes ours."""

    def __init__(self, served: Served, port: int, relay: Relay) -> None:
        super().__init__(served)
        self._port, self._relay = port, relay

    @override
    async def deliver(self, number: int, text: str) -> bool:
        return await asyncio.to_thread(self._send, _mail(number, text), "support@shop.test")

    @override
    async def garbage(self) -> bool:
        return await asyncio.to_thread(self._send, b"\x00\xff no mail", "nobody@elsewhere.test")

    @override
    async def echo(self, text: str) -> None:
        await self.say(text)
        raw = self._relay.mails[-1].content
        assert isinstance(raw, bytes)
        assert await asyncio.to_thread(self._send, raw, "support@shop.test")

    @override
    async def attach(self, number: int) -> bool:
        return await asyncio.to_thread(
            self._send, _mail(number, "See the file", b"x" * 300_000), "support@shop.test"
        )

    @override
    def address(self) -> Address:
        return Address(connector="email", account="support", conversation="mia@example.org")

    @override
    async def shown(self) -> str:
        parts = []
        for envelope in self._relay.mails:
            assert isinstance(envelope.content, bytes)
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            body = mail.get_body(("plain",))
            parts.append(" ".join(body.get_content().split()) if body else "")
        return "\n".join(parts)

    @override
    async def refuse(self, how: Refusal) -> None:
        said = {
            Refusal.RATE: "450 4.7.1 Too many messages, try again later",
            Refusal.BUSY: "451 4.3.2 Try again later",
            Refusal.GONE: "550 5.1.1 No such user",
        }[how]
        self._relay.rcpt = {"mia@example.org": said}

    @override
    async def accept(self) -> None:
        self._relay.rcpt = {}

    def _send(self, raw: bytes, recipient: str) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self._port) as smtp:
                smtp.sendmail("mia@example.org", [recipient], raw, mail_options=["BODY=8BITMIME"])
        except (smtplib.SMTPException, OSError):
            return False
        return True


def _mail(number: int, text: str, file: bytes = b"") -> bytes:
    mail = email.message.EmailMessage(policy=email.policy.SMTP.clone(cte_type="8bit"))
    mail["From"], mail["To"], mail["Subject"] = "Mia <mia@example.org>", "support@shop.test", "Question"
    mail["Message-ID"] = f"<{number}@example.org>"
    mail.set_content(text)
    if file:
        mail.add_attachment(file, maintype="image", subtype="png", filename="big.png")
    return mail.as_bytes()


class SlackDoor(Door):
    """Slack, where a customer writes to the app directly."""

    retry_after = 7.0

    def __init__(self, served: Served, slack: slack_standin.Slack, http: aiohttp.ClientSession) -> None:
        super().__init__(served)
        self._slack = slack
        self._poster = Poster(slack=slack, http=http, url=f"{served.url}/slack/main")
        self._customer = Writer(wire=Wire(slack=slack, poster=self._poster))
        self._events: dict[int, dict[str, Any]] = {}

    @override
    async def deliver(self, number: int, text: str) -> bool:
        return await self._post(number, text)

    async def _post(self, number: int, text: str, **more: Any) -> bool:
        event = self._events.get(number) or self._customer.writes(text, **more)
        self._events[number] = event
        try:
            status, _ = await self._poster.json(event_callback(event, f"Ev{number:08d}"))
        except aiohttp.ClientError:
            return False
        return status == 200

    @override
    async def garbage(self) -> bool:
        status, _ = await self._poster.raw(
            b"\xff{", {"X-Slack-Signature": "v0=00", "X-Slack-Request-Timestamp": "1"}
        )
        return status == 200

    @override
    async def unsigned(self, text: str) -> bool:
        return await self._raw(text, lambda body: {})

    @override
    async def forged(self, text: str) -> bool:
        return await self._raw(text, lambda body: signed(body, self._slack.clock, secret="another"))

    @override
    async def replayed(self, text: str) -> bool:
        return await self._raw(text, lambda body: signed(body, self._slack.clock, age=3600))

    async def _raw(self, text: str, headers: Callable[[str], dict[str, str]]) -> bool:
        body = json.dumps(event_callback(self._customer.writes(text), "Ev00000099"))
        status, _ = await self._poster.raw(body, {**headers(body), "Content-Type": "application/json"})
        return status == 200

    @override
    async def echo(self, text: str) -> None:
        ours = {"bot_id": slack_standin.BOT, "user": slack_standin.BOT_USER, "app_id": "A0APP"}
        assert await self._post(77, text, **ours)

    @override
    async def edit(self, number: int, text: str) -> None:
        await self._customer.edits(self._events[number], text)

    @override
    async def delete(self, number: int) -> None:
        await self._customer.deletes(self._events[number])

    @override
    async def attach(self, number: int) -> bool:
        file = {
            "id": "F1", "name": "big.png", "mimetype": "image/png", "size": 60_000_000,
            "url_private_download": "https://files.slack.com/x", "mode": "hosted",
        }  # fmt: skip
        return await self._post(number, "See the file", subtype="file_share", files=[file])

    @override
    def address(self) -> Address:
        return Address(connector="slack", account="main", conversation=self._customer.direct)

    @override
    async def shown(self) -> str:
        said = [[m.get("text", ""), m.get("blocks", [])] for m in self._slack.messages.values()]
        files = [upload.get("content", b"").decode() for upload in self._slack.uploads.values()]
        return "\n".join([json.dumps(said, ensure_ascii=False), *files])

    @override
    async def refuse(self, how: Refusal) -> None:
        fault = {
            Refusal.RATE: SlackFault(status=429, after="7", error="ratelimited"),
            Refusal.BUSY: SlackFault(status=503, body="try later", content_type="text/plain"),
            Refusal.GONE: SlackFault(error="is_archived"),
        }[how]
        self._slack.fail("chat.postMessage", *[fault] * 5)

    @override
    async def accept(self) -> None:
        self._slack.faults["chat.postMessage"].clear()


@asynccontextmanager
async def webchat(folder: Path) -> AsyncIterator[Door]:
    account = {"site": {"max_file_bytes": 2000}}
    async with Served.running(folder, {"webchat": account}) as served, aiohttp.ClientSession() as http:
        await hire(served)
        yield ChatDoor(served, http)


@asynccontextmanager
async def mail(folder: Path) -> AsyncIterator[Door]:
    from gateway.conformance import free_port

    port = free_port()
    async with serving(Relay()) as relay:
        account = {
            "address": "support@shop.test", "listen": f"127.0.0.1:{port}", "max_mail": 100_000,
            "smtp_host": "127.0.0.1", "smtp_port": relay.port, "smtp_security": "none",
        }  # fmt: skip
        async with Served.running(folder, {"email": {"support": account}}) as served:
            yield MailDoor(served, port, relay)


@asynccontextmanager
async def slack(folder: Path) -> AsyncIterator[Door]:
    async with slack_standin.running(SystemClock()) as workspace, aiohttp.ClientSession() as http:
        workspace.add_user("U0CY", "Cy Customer")
        workspace.add_direct("D0CY", "U0CY")
        account = {
            "signing_secret": SECRET,
            "bot_token": TOKEN,
            "team_id": TEAM,
            "api_url": workspace.api_url,
        }
        async with Served.running(folder, {"slack": {"main": account}}) as served:
            yield SlackDoor(served, workspace, http)


async def hire(served: Served) -> None:
    """Ana works there."""
    from gateway.model import Agent

    await served.deskgate.store.add_agent(Agent(id="ana", name="Ana"), 0)


#: One line a channel; test_contract.py runs over all of them.
DOORS: dict[str, Opened] = {
    "webchat": webchat,
    "email": mail,
    "slack": slack,
    "telegram": telegram,
    "mastodon": mastodon,
    "api": api,
}
