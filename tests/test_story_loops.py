"""Machines that answer machines: they stop by themselves, within the budget, even where no header warns."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.app import Deskgate
from tests.running import free_port, running, settings_for

BUDGET = 4
#: Fields by which machines make themselves known; careless gateways on the way lose them.
SIGNS = ("auto-submitted", "x-auto-response-suppress", "precedence", "list-id", "return-path")
QUESTIONS = ("Where is my order?", "How do I return an item?", "I forgot my password")
_numbers = count(1)


class Postman:
    """A relay between two parties that loses every sign of a machine, and keeps what it carried."""

    def __init__(self, deliver: Callable[[EmailMessage, str], Any], *, honest: bool = False) -> None:
        self.carried: list[EmailMessage] = []
        self._on_the_way: list[asyncio.Task[None]] = []
        self._deliver, self._honest = deliver, honest

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = email.message_from_bytes(content, policy=email.policy.SMTP)
        assert isinstance(mail, EmailMessage)
        for name in {name for name in mail if name.lower() in SIGNS or name.lower().startswith("x-")}:
            if not self._honest:
                del mail[name]
        self.carried.append(mail)
        self._on_the_way.append(asyncio.create_task(self._deliver(mail, envelope.rcpt_tos[0])))
        return "250 OK"


@asynccontextmanager
async def relay(postman: Postman) -> AsyncIterator[int]:
    """The port at which the postman takes mail."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(postman, loop=loop, hostname="relay.test"), "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


def to_port(port: int) -> Callable[[EmailMessage, str], Any]:
    """Hands mail on to a Deskgate that listens there."""

    async def deliver(mail: EmailMessage, recipient: str) -> None:
        await aiosmtplib.send(
            mail.as_bytes(),
            sender="anybody@relay.test",
            recipients=[recipient],
            hostname="127.0.0.1",
            port=port,
            start_tls=False,
        )

    return deliver


@asynccontextmanager
async def a_desk(folder: Path, address: str, listen: int, out: int) -> AsyncIterator[Deskgate]:
    await asyncio.to_thread(folder.mkdir)
    account = {
        "address": address,
        "listen": f"127.0.0.1:{listen}",
        "smtp_host": "127.0.0.1",
        "smtp_port": out,
        "smtp_security": "none",
    }
    settings = settings_for(
        folder, free_port(), connectors={"email": {"support": account}}, automatic={"budget": BUDGET}
    )
    async with running(settings) as deskgate:
        yield deskgate


def question(sender: str, to: str, text: str = QUESTIONS[0]) -> EmailMessage:
    mail = EmailMessage()
    number = next(_numbers)
    mail["From"], mail["To"], mail["Subject"] = sender, to, f"Question {number}"
    mail["Message-ID"] = f"<{number}@start.test>"
    mail.set_content(text)
    return mail


async def silence(*postmen: Postman, seconds: float = 1.5) -> None:
    """Waits until nobody has written for a while; fails when that never comes."""
    async with asyncio.timeout(90):
        before, quiet = -1, 0.0
        while quiet < seconds:
            now = sum(len(postman.carried) for postman in postmen)
            quiet = quiet + 0.1 if now == before and now else 0.0
            before = now
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("honest", [True, False], ids=["with headers", "without any header"])
async def test_two_deskgates_stop_by_themselves(tmp_path: Path, honest: bool) -> None:
    at_a, at_b = free_port(), free_port()
    to_b, to_a = Postman(to_port(at_b), honest=honest), Postman(to_port(at_a), honest=honest)
    async with (
        relay(to_b) as out_a,
        relay(to_a) as out_b,
        a_desk(tmp_path / "a", "support@a.test", at_a, out_a),
        a_desk(tmp_path / "b", "support@b.test", at_b, out_b),
    ):
        for text in QUESTIONS:
            await to_port(at_a)(question("support@b.test", "support@a.test", text), "support@a.test")
            await to_port(at_b)(question("support@a.test", "support@b.test", text), "support@b.test")
        await silence(to_a, to_b)
    for postman in (to_a, to_b):
        assert 1 <= len(postman.carried) <= (len(QUESTIONS) if honest else BUDGET)


@pytest.mark.parametrize("words", ["I am back on Monday.", "Where is my order?"])
async def test_a_responder_that_no_sign_gives_away_is_answered_within_the_budget(
    tmp_path: Path, words: str
) -> None:
    at_desk = free_port()

    async def answers(mail: EmailMessage, recipient: str) -> None:
        reply = question(recipient, str(mail["Reply-To"] or mail["From"]), words)
        reply["In-Reply-To"] = reply["References"] = mail["Message-ID"]
        await to_port(at_desk)(reply, email.utils.parseaddr(str(reply["To"]))[1])

    mia = Postman(answers)
    async with relay(mia) as out, a_desk(tmp_path / "desk", "support@a.test", at_desk, out):
        await to_port(at_desk)(question("mia@b.test", "support@a.test"), "support@a.test")
        await silence(mia)
    assert 1 <= len(mia.carried) <= BUDGET


async def test_a_vacation_responder_gets_one_answer_at_most(tmp_path: Path) -> None:
    at_desk = free_port()

    async def answers(mail: EmailMessage, recipient: str) -> None:
        reply = question(
            recipient, str(mail["Reply-To"] or mail["From"]), "I am out of the office until Monday."
        )
        reply["In-Reply-To"], reply["Auto-Submitted"] = mail["Message-ID"], "auto-replied"
        await to_port(at_desk)(reply, email.utils.parseaddr(str(reply["To"]))[1])

    mia = Postman(answers)
    async with relay(mia) as out, a_desk(tmp_path / "desk", "support@a.test", at_desk, out):
        await to_port(at_desk)(question("mia@b.test", "support@a.test"), "support@a.test")
        await silence(mia)
    assert len(mia.carried) == 1
