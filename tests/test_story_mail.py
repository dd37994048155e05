"""Mail through the whole of Deskgate and real servers: two mailboxes, and a reply that comes back."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import smtplib
from collections.abc import Awaitable, Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from gateway.app import Deskgate
from gateway.cli import main
from gateway.model import Agent, AgentAction, EntryKind, Identity, SendState, TicketPage, Verb
from gateway.store.tx import Tx
from tests.mailservers import PASSWORD, Servers, mail_servers, why_not
from tests.running import free_port, running, settings_for

pytestmark = pytest.mark.mailserver


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    if reason := why_not():
        pytest.skip(reason)
    with mail_servers() as started:
        yield started


def account(servers: Servers, user: str, **given: Any) -> dict[str, Any]:
    reading = {"imap_host": "127.0.0.1", "imap_port": servers.imap, "imap_security": "none", "imap_poll": 0.5}
    sending = {"smtp_host": "127.0.0.1", "smtp_port": servers.smtp, "ca_file": str(servers.certificate)}
    signing_in = {"imap_username": user, "imap_password": PASSWORD}
    return {"address": f"{user}@shop.test", **reading, **sending, **signing_in, **given}


def a_mail(
    to: str, sender: str = "mia@shop.test", text: str = "Do you sponsor football clubs?"
) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Mia <{sender}>", to, "Football"
    mail["Message-ID"] = f"<{abs(hash((to, sender, text)))}@shop.test>"
    mail.set_content(text)
    return mail


async def through_exim(servers: Servers, mail: EmailMessage) -> None:
    def client() -> None:
        with smtplib.SMTP("127.0.0.1", servers.smtp) as exim:
            exim.send_message(mail)

    await asyncio.to_thread(client)


async def folder_of(servers: Servers, user: str, folder: str) -> list[tuple[bytes, tuple[bytes, ...]]]:
    """Content and flags of the mails in a folder."""

    def client() -> list[tuple[bytes, tuple[bytes, ...]]]:
        with IMAPClient("127.0.0.1", servers.imap, ssl=False) as box:
            box.login(user, PASSWORD)
            if not box.folder_exists(folder):
                return []
            box.select_folder(folder, readonly=True)
            found = box.fetch(box.search(), ["BODY.PEEK[]", "FLAGS"])
        return [(item[b"BODY[]"], item[b"FLAGS"]) for _, item in sorted(found.items())]

    return await asyncio.to_thread(client)


async def soon(look: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    """What the look finds, once it finds anything."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.1)
    return found


async def cursors(deskgate: Deskgate, count: int) -> None:
    """Waits until so many mailboxes are watched."""
    await soon(
        lambda: deskgate.store.driver.read(
            lambda tx: len(tx.all("SELECT 1 FROM cursors WHERE name LIKE 'email/%'")) >= count
        )
    )


async def tickets(deskgate: Deskgate) -> list[int]:
    return [row[0] for row in await deskgate.store.driver.read(lambda tx: tx.all("SELECT id FROM tickets"))]


async def reply(deskgate: Deskgate, ticket: int, text: str) -> None:
    await deskgate.store.add_agent(Agent(id="ann", name="Ann"), 0)
    action = AgentAction(
        connector="desk",
        account="browser",
        delivery_key=text,
        at=deskgate.clock.now(),
        actor=Identity(kind="agent", value="ann", verified=True),
        verb=Verb.REPLY,
        ticket=ticket,
        text=text,
    )
    assert (await deskgate.host.act(action)).state == "done"


async def test_one_mail_to_two_mailboxes_is_one_ticket(servers: Servers, tmp_path: Path) -> None:
    boxes = {
        "support": account(
            servers, "support2", queue="general", imap_move_to="Desk", signature="Your **support**"
        ),
        "orders": account(servers, "orders2", queue="orders", imap_flag="Deskgate", signature="Orders team"),
    }
    async with running(settings_for(tmp_path, free_port(), connectors={"email": boxes})) as deskgate:
        await cursors(deskgate, 2)
        await through_exim(servers, a_mail("support2@shop.test, orders2@shop.test"))
        (number,) = await soon(lambda: tickets(deskgate))
        await soon(lambda: folder_of(servers, "support2", "Desk"))

        async def copied() -> bool:
            page = await deskgate.store.ticket_page(number)
            return page is not None and any(event.kind == "copy" for event in page.events)

        await soon(copied)
        assert await tickets(deskgate) == [number]

        await reply(deskgate, number, "We do not, I am afraid.")
        mails = await soon(lambda: _with(servers, "mia", b"I am afraid"))
        assert b"-- \r\nYour support" in mails[0] or b"-- \r\nOrders team" in mails[0]

    assert await folder_of(servers, "support2", "INBOX") == []
    ((_, flags),) = await folder_of(servers, "orders2", "INBOX")
    assert b"Deskgate" in flags and b"\\Seen" not in flags


async def _with(servers: Servers, user: str, words: bytes) -> list[bytes]:
    return [raw for raw, _ in await folder_of(servers, user, "INBOX") if words in raw]


async def test_each_mailbox_has_its_queue(servers: Servers, tmp_path: Path) -> None:
    boxes = {
        "support": account(servers, "support3", queue="general"),
        "orders": account(servers, "orders3", queue="orders"),
    }
    async with running(settings_for(tmp_path, free_port(), connectors={"email": boxes})) as deskgate:
        await cursors(deskgate, 2)
        await through_exim(servers, a_mail("support3@shop.test", text="a person, please"))
        await through_exim(servers, a_mail("orders3@shop.test", "noa@shop.test", text="a person, please"))

        async def queues() -> set[str]:
            found = await deskgate.store.driver.read(lambda tx: tx.all("SELECT queue FROM tickets"))
            return {row[0] for row in found} if len(found) == 2 else set()

        assert await soon(queues) == {"general", "orders"}


async def test_a_reply_that_comes_back_is_marked_and_its_address_suppressed(
    servers: Servers, tmp_path: Path
) -> None:
    boxes = {"support": account(servers, "support4")}
    async with running(settings_for(tmp_path, free_port(), connectors={"email": boxes})) as deskgate:
        await cursors(deskgate, 1)
        mail = a_mail("support4@shop.test", "bouncer@shop.test")
        mail["Auto-Submitted"] = "auto-generated"  # so that only the agent's reply goes out
        await through_exim(servers, mail)
        (number,) = await soon(lambda: tickets(deskgate))
        await reply(deskgate, number, "Is anybody there?")

        async def came_back() -> TicketPage | None:
            page = await deskgate.store.ticket_page(number)
            return page if page is not None and page.suppressed else None

        page = await soon(came_back)
    (entry,) = (entry for entry in page.entries if entry.kind is EntryKind.REPLY)
    assert entry.state is SendState.FAILED and entry.reason
    assert page.suppressed == ("bouncer@shop.test",)


async def test_answers_hang_below_the_mail_they_answer_in_the_customers_mailbox(
    servers: Servers, tmp_path: Path
) -> None:
    boxes = {"support": account(servers, "support7")}
    async with running(settings_for(tmp_path, free_port(), connectors={"email": boxes})) as deskgate:
        await cursors(deskgate, 1)
        first = a_mail("support7@shop.test", "lia@shop.test", "a person, please")
        await through_exim(servers, first)
        (number,) = await soon(lambda: tickets(deskgate))
        for text in ("We are looking into it.", "Found it."):
            await reply(deskgate, number, text)
        found = await soon(lambda: _with(servers, "lia", b"Found it."))
        ours = email.message_from_bytes(found[0], policy=email.policy.default)
        assert ours["In-Reply-To"] == first["Message-ID"] == ours["References"]

        second = a_mail(ours["Reply-To"], "lia@shop.test", "Thank you, and now?")
        del second["Subject"]
        second["Subject"], second["In-Reply-To"] = ours["Subject"], ours["Message-ID"]
        second["References"] = f"{ours['References']} {ours['Message-ID']}"
        await through_exim(servers, second)
        await soon(lambda: _lines(deskgate, number, 2))
        await reply(deskgate, number, "Now you wait.")
        found = await soon(lambda: _with(servers, "lia", b"Now you wait."))
        last = email.message_from_bytes(found[0], policy=email.policy.default)
    assert last["In-Reply-To"] == second["Message-ID"]
    chain = str(last["References"]).split()
    assert chain[0] == first["Message-ID"] and chain[-1] == second["Message-ID"]
    assert ours["Message-ID"] in chain


async def test_two_deskgates_that_write_to_each_other_stop_by_themselves(
    servers: Servers, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = settings_for(
        tmp_path / "one", free_port(), connectors={"email": {"support": account(servers, "desk1")}}
    )
    two = settings_for(
        tmp_path / "two", free_port(), connectors={"email": {"support": account(servers, "desk2")}}
    )
    async with running(one) as first, running(two) as second:
        await cursors(first, 1)
        await cursors(second, 1)
        # What a forged sender does to two front doors.
        await through_exim(servers, a_mail("desk2@shop.test", "desk1@shop.test", "Where is my order?"))
        (number,) = await soon(lambda: tickets(first))
        page = await first.store.ticket_page(number)
        assert page is not None and page.ticket.queue == "general"  # people see it, nobody is answered
        assert [event.data["check"] for event in page.events if event.kind == "screened"] == ["automatic"]
        await soon(lambda: first.store.driver.read(_is_quiet))
        await soon(lambda: second.store.driver.read(_is_quiet))
    assert len(await folder_of(servers, "desk1", "INBOX")) == 1  # the one answer of the other
    assert len(await folder_of(servers, "desk2", "INBOX")) == 1  # the mail that began it


def _is_quiet(tx: Tx) -> bool:
    """Whether nothing waits to be handled or sent."""
    pending = tx.all("SELECT 1 FROM ledger WHERE state = 'pending'")
    return not pending and not tx.all("SELECT 1 FROM outbox WHERE state IN ('held', 'queued', 'sending')")


async def _lines(deskgate: Deskgate, number: int, count: int) -> bool:
    """Whether the requester has said so much on the ticket."""
    page = await deskgate.store.ticket_page(number)
    return page is not None and sum(entry.kind is EntryKind.MESSAGE for entry in page.entries) >= count


async def test_older_mail_is_imported_once_onto_closed_tickets_and_answered_by_nobody(
    servers: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("Do you sponsor clubs?", "Where is my order?", "I forgot my password"):
        await through_exim(servers, a_mail("support5@shop.test", "zoe@shop.test", text))
    await soon(lambda: _so_many(servers, "support5", 3))
    given = account(servers, "support5")
    monkeypatch.setenv("DESKGATE_CONNECTORS__EMAIL__SUPPORT__IMAP_PASSWORD", given.pop("imap_password"))
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items())
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\ndatabase = "sqlite:///{tmp_path}/deskgate.db"\nkey_file = "{tmp_path}/key"\n'
        f'[queues.general]\ntitle = "Care"\ndefault = true\n[connectors.email.support]\n{lines}'
    )
    call = ["mail", "import", "--since", "2020-01-01", "--config", str(config)]
    assert await asyncio.to_thread(main, call) == 0
    assert "3 mails read: 3 new, 0 known" in capsys.readouterr().out
    await through_exim(servers, a_mail("support5@shop.test", "noa@shop.test", "a person, please"))
    boxes = {"support": account(servers, "support5")}
    async with running(settings_for(tmp_path, free_port(), connectors={"email": boxes})) as deskgate:

        async def statuses() -> list[str]:
            found = await deskgate.store.driver.read(
                lambda tx: tx.all("SELECT status FROM tickets ORDER BY id")
            )
            return [row[0] for row in found] if len(found) == 4 else []

        # What came after the import is read by itself; what came before is closed.
        assert (await soon(statuses))[:3] == ["closed"] * 3
        assert await asyncio.to_thread(main, call) == 0
        assert "4 mails read: 0 new, 4 known" in capsys.readouterr().out
        await soon(lambda: _with(servers, "noa", b""))
    assert await folder_of(servers, "zoe", "INBOX") == []


async def _so_many(servers: Servers, user: str, number: int) -> bool:
    return len(await folder_of(servers, user, "INBOX")) >= number
