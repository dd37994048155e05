"""The connector against real servers: a mailbox read through every trouble, mail out, mail that comes back."""

from __future__ import annotations

import asyncio
import logging
import smtplib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import count
from typing import Any

import pytest
from imapclient import IMAPClient

from connectors.email.connector import Email, Settings
from tests.fakes_email import KEY, FakeHost, QuickClock, post, running
from tests.mailservers import PASSWORD, Servers, mail_servers, why_not

pytestmark = pytest.mark.mailserver
_numbers = count(1)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    if reason := why_not():
        pytest.skip(reason)
    with mail_servers() as started:
        yield started


@pytest.fixture
def user() -> str:
    """A mailbox of its own for each test."""
    return f"desk{next(_numbers)}"


@pytest.fixture
def host() -> FakeHost:
    """Connecting again takes long enough that dovecot does not think itself under attack."""
    made = FakeHost()
    made.clock = QuickClock(datetime.now(UTC), pause=0.3)
    return made


def settings(servers: Servers, user: str, **given: Any) -> Settings:
    reading = {
        "imap_host": "127.0.0.1",
        "imap_port": servers.imap,
        "imap_security": "none",
        "imap_password": PASSWORD,
    }
    relay = {"smtp_host": "127.0.0.1", "smtp_port": servers.smtp, "smtp_security": "starttls"}
    options = {
        "address": f"{user}@shop.test",
        "ca_file": str(servers.certificate),
        **reading,
        **relay,
        **given,
    }
    return Settings(**options)


def email(servers: Servers, user: str, **given: Any) -> Email:
    return Email("support", settings(servers, user, **given), KEY)


def mail(to: str, text: str = "Where is my parcel?", **headers: str) -> EmailMessage:
    made = EmailMessage()
    fields = {
        "From": "Ana <ana@customer.test>",
        "To": to,
        "Subject": "Parcel",
        "Date": format_datetime(datetime.now(UTC)),
    }
    for name, value in (fields | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        made[name] = value
    made.set_content(text)
    return made


async def through_exim(servers: Servers, made: EmailMessage) -> None:
    def client() -> None:
        with smtplib.SMTP("127.0.0.1", servers.smtp, timeout=60) as opened:
            opened.send_message(made)

    await asyncio.to_thread(client)


async def into_mailbox(servers: Servers, user: str, data: bytes) -> None:
    def client() -> None:
        with smtplib.LMTP("127.0.0.1", servers.lmtp) as opened:
            opened.sendmail("ana@customer.test", [f"{user}@shop.test"], data)

    await asyncio.to_thread(client)


async def look(servers: Servers, user: str, action: Callable[[IMAPClient], Any]) -> Any:
    """What the action finds when it is signed in as the user."""

    def client() -> Any:
        with IMAPClient("127.0.0.1", servers.imap, ssl=False) as opened:
            opened.login(user, PASSWORD)
            return action(opened)

    return await asyncio.to_thread(client)


def inbox(client: IMAPClient) -> list[bytes]:
    client.select_folder("INBOX", readonly=True)
    return [item[b"BODY[]"] for _, item in sorted(client.fetch(client.search(), ["BODY.PEEK[]"]).items())]


async def mails_of(servers: Servers, user: str, number: int) -> list[bytes]:
    """The user's mails, once there are so many."""
    for _ in range(1000):
        found: list[bytes] = await look(servers, user, inbox)
        if len(found) >= number:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{user} has {len(found)} of {number} mails")


async def test_a_mail_through_exim_is_announced_and_read(servers: Servers, user: str, host: FakeHost) -> None:
    await into_mailbox(servers, user, mail(f"{user}@shop.test", "Older than our connection").as_bytes())
    async with running(email(servers, user), host):
        await host.wait_for_cursor()
        await through_exim(servers, mail(f"{user}@shop.test", Message_ID="<a1@customer.test>"))
        [message] = await host.wait_for(1)
    assert (message.text, message.message_key) == ("Where is my parcel?", "mid:a1@customer.test")
    assert message.recipients == (f"{user}@shop.test",)
    assert b"Received: from" in host.kept[0].raw


async def test_what_came_while_we_were_away_is_read_later(
    servers: Servers, user: str, host: FakeHost
) -> None:
    async with running(email(servers, user), host):
        await host.wait_for_cursor()
    for number in range(45):
        await into_mailbox(servers, user, mail(f"{user}@shop.test", f"Number {number}").as_bytes())
    async with running(email(servers, user), host):
        messages = await host.wait_for(45)
    assert [message.text for message in messages] == [f"Number {number}" for number in range(45)]
    async with running(email(servers, user), host):
        await asyncio.sleep(0.5)
    assert (len(host.kept), host.duplicates) == (45, 0)


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
async def test_reading_works_with_each_security(
    servers: Servers, user: str, host: FakeHost, security: str
) -> None:
    port = servers.imaps if security == "tls" else servers.imap
    async with running(email(servers, user, imap_security=security, imap_port=port), host):
        await host.wait_for_cursor()
        await into_mailbox(servers, user, mail(f"{user}@shop.test").as_bytes())
        await host.wait_for(1)


async def test_polling_finds_mail_too(servers: Servers, user: str, host: FakeHost) -> None:
    async with running(email(servers, user, imap_idle=False, imap_poll=0.1), host):
        await host.wait_for_cursor()
        await into_mailbox(servers, user, mail(f"{user}@shop.test").as_bytes())
        await host.wait_for(1)


async def test_a_bad_mail_stops_nothing_and_unread_stays_unread(
    servers: Servers, user: str, host: FakeHost
) -> None:
    async with running(email(servers, user), host):
        await host.wait_for_cursor()
        await into_mailbox(servers, user, b"\xff\xfe\x00garbage\r\n\r\n\x80\x81")
        await into_mailbox(
            servers, user, b"Content-Type: multipart/mixed; boundary=\r\nFrom: =?x?y?z?=\r\n\r\n--\r\n"
        )
        await into_mailbox(servers, user, mail(f"{user}@shop.test").as_bytes())
        messages = await host.wait_for(3)
    assert messages[-1].text == "Where is my parcel?"

    def flags(client: IMAPClient) -> int:
        client.select_folder("INBOX", readonly=True)
        return len(client.search(["UNSEEN"]))

    assert await look(servers, user, flags) == 3


async def test_a_mail_over_the_limit_is_told_and_left(servers: Servers, user: str, host: FakeHost) -> None:
    async with running(email(servers, user, max_mail=100_000), host):
        await host.wait_for_cursor()
        await into_mailbox(servers, user, mail(f"{user}@shop.test", "x" * 70 + "\n" * 150_000).as_bytes())
        await into_mailbox(servers, user, mail(f"{user}@shop.test").as_bytes())
        large, small = await host.wait_for(2)
    assert "still in the mailbox" in large.unreadable and large.subject == "Parcel"
    assert len(host.kept[0].raw) < 10_000
    assert small.unreadable == ""


async def test_mail_waits_in_the_mailbox_while_the_database_is_down(
    servers: Servers, user: str, host: FakeHost
) -> None:
    async with running(email(servers, user), host):
        await host.wait_for_cursor()
        host.broken = True
        await into_mailbox(servers, user, mail(f"{user}@shop.test").as_bytes())
        await asyncio.sleep(1.5)
        assert host.kept == []
        host.broken = False
        await host.wait_for(1)


async def test_a_restarted_server_is_connected_again(servers: Servers, user: str, host: FakeHost) -> None:
    async with running(email(servers, user), host):
        await host.wait_for_cursor()
        await asyncio.to_thread(servers.dovecot.stop)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(servers.dovecot.start)
        await into_mailbox(servers, user, mail(f"{user}@shop.test").as_bytes())
        await host.wait_for(1)


async def test_a_renumbered_folder_is_read_again_but_not_its_past(
    servers: Servers, user: str, host: FakeHost
) -> None:
    """UIDVALIDITY changes when a folder is made anew; what was written since we last read is offered once more."""

    def remake(client: IMAPClient) -> None:
        if client.folder_exists("Desk"):
            client.delete_folder("Desk")
        client.create_folder("Desk")

    def put(*mails: EmailMessage) -> Callable[[IMAPClient], None]:
        return lambda client: [client.append("Desk", made.as_bytes()) for made in mails] and None

    old = mail("x@shop.test", "Long ago", Date="Mon, 05 Jan 2015 10:00:00 +0000")
    known = mail("x@shop.test", "Known", Message_ID="<known@c.test>")
    await look(servers, user, remake)
    async with running(email(servers, user, imap_folder="Desk"), host):
        await host.wait_for_cursor()
        await look(servers, user, put(known))
        await host.wait_for(1)
    await look(servers, user, remake)
    await look(servers, user, put(old, known, mail("x@shop.test", "New")))
    async with running(email(servers, user, imap_folder="Desk"), host):
        messages = await host.wait_for(3)
        await look(servers, user, put(mail("x@shop.test", "Newer")))
        messages = await host.wait_for(4)
    assert [message.text for message in messages] == ["Known", "Known", "New", "Newer"]
    assert messages[0].message_key == messages[1].message_key and messages[0].version == messages[1].version


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"imap_password": "hunter2"}, "check imap_username and imap_password"),
        ({"imap_folder": "Nowhere"}, "check imap_folder"),
        ({"imap_security": "starttls", "ca_file": ""}, "set ca_file"),
    ],
)
async def test_what_the_admin_must_mend_is_said_without_secrets(
    servers: Servers,
    user: str,
    host: FakeHost,
    caplog: pytest.LogCaptureFixture,
    given: dict[str, str],
    remedy: str,
) -> None:
    caplog.set_level(logging.INFO)
    async with running(email(servers, user, **given), host):
        for _ in range(1000):
            if remedy in caplog.text:
                break
            await asyncio.sleep(0.05)
    assert remedy in caplog.text
    assert "hunter2" not in caplog.text and user not in caplog.text


async def test_two_replicas_read_a_mailbox_once(servers: Servers, user: str, host: FakeHost) -> None:
    async with running(email(servers, user), host), running(email(servers, user), host):
        await host.wait_for_cursor()
        for number in range(5):
            await into_mailbox(servers, user, mail(f"{user}@shop.test", f"Number {number}").as_bytes())
        await host.wait_for(5)
        await asyncio.sleep(0.3)
    assert (len(host.kept), host.duplicates) == (5, 0)


async def test_a_lost_lease_ends_the_reading_until_it_is_held_again(
    servers: Servers, user: str, host: FakeHost
) -> None:
    async with running(email(servers, user), host):
        await host.wait_for_cursor()
        lost = host.current
        lost.held = False
        await into_mailbox(servers, user, mail(f"{user}@shop.test").as_bytes())
        await host.wait_for(1)
        assert host.current is not lost


async def test_our_answer_reaches_the_customers_mailbox_in_their_thread(
    servers: Servers, user: str, host: FakeHost
) -> None:
    connector, customer = email(servers, user), f"cust{user}"
    async with running(connector, host):
        sent = await connector.send(
            post(to=f"{customer}@customer.test", references=("mid:q1@customer.test",))
        )
        [arrived] = await mails_of(servers, customer, 1)
    assert f"Message-ID: <{sent.external_ids[0]}>".encode() in arrived
    assert b"In-Reply-To: <q1@customer.test>" in arrived
    assert b"with esmtps" in arrived.lower()


async def test_a_mail_to_nobody_comes_back_as_a_report(servers: Servers, user: str, host: FakeHost) -> None:
    connector = email(servers, user)
    async with running(connector, host):
        await host.wait_for_cursor()
        sent = await connector.send(post(to="bouncer@customer.test", reply_key="abcdef234567"))
        [report] = await host.wait_for(1)
    assert report.bounce is not None
    assert report.bounce.permanent == ("bouncer@customer.test",)
    assert report.bounce.original_key == sent.keys[0]
    assert "ref:abcdef234567" in report.refers_to
    assert report.automatic


async def test_exim_hands_mail_to_our_listener(servers: Servers, user: str, host: FakeHost) -> None:
    given = Settings(
        address="support@desk.test",
        aliases=("help@desk.test",),
        listen=f"127.0.0.1:{servers.desk}",
        listen_protocol="lmtp",
    )
    async with running(Email("support", given, KEY), host):
        both = mail("support+abcdef234567@desk.test, help@desk.test", Message_ID="<l1@customer.test>")
        await through_exim(servers, both)
        [message] = await host.wait_for(1)
        await asyncio.sleep(0.3)
    assert message.refers_to == ("ref:abcdef234567",)
    assert len(host.kept) == 1
