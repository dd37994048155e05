"""The main job from end to end: a customer in a real browser, or behind real mail servers, and an agent in Slack."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import smtplib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from imapclient import IMAPClient

from gateway.app import Deskgate
from gateway.clock import SystemClock
from gateway.model import Agent
from tests import slack_standin
from tests.mailservers import PASSWORD, Servers, mail_servers, why_not
from tests.running import free_port, running, settings_for
from tests.slack_posts import Poster
from tests.slack_standin import SECRET, TEAM, TOKEN, Slack

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


async def until(look: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Looks again and again until there is something, at most this long."""
    async with asyncio.timeout(seconds):
        while not (found := look()):
            await asyncio.sleep(0.05)
    return found


@asynccontextmanager
async def desk_in_slack(folder: Path, **connectors: Any) -> AsyncIterator[tuple[Deskgate, Slack, Poster]]:
    """Deskgate with Slack (a stand-in) as the agents' desk; Ann is an agent."""
    async with slack_standin.running(SystemClock()) as slack, aiohttp.ClientSession() as http:
        port = free_port()
        account = {"signing_secret": SECRET, "bot_token": TOKEN, "team_id": TEAM, "api_url": slack.api_url}
        queues = {
            "general": {"title": "Customer care", "default": True, "slack_channel": "C0DESK"},
            "orders": {"title": "Orders", "slack_channel": "C0DESK"},
        }
        settings = settings_for(
            folder, port, queues=queues, connectors={"slack": {"main": account}, **connectors}
        )
        async with running(settings) as deskgate:
            await deskgate.store.add_agent(Agent(id="ann", name="Ann Agent", slack_id=f"{TEAM}:U0ANN"), 0)
            yield deskgate, slack, Poster(slack=slack, http=http, url=f"http://127.0.0.1:{port}/slack/main")


def cards(slack: Slack) -> list[str]:
    """The ts of every card in the agents' channel."""
    return [
        ts
        for (_, ts), message in slack.messages.items()
        if not message.get("thread_ts") and message.get("blocks")
    ]


async def answer_in_slack(slack: Slack, poster: Poster, ts: str, text: str) -> None:
    """What Ann does: claim, reply, look at the preview, send."""
    assert await poster.press(ts, "claim") == 200
    assert await poster.press(ts, "reply") == 200
    form = await until(lambda: list(slack.views.values())[-1:] and list(slack.views.values())[-1])
    status, preview = await poster.submit(
        form, {next(b["block_id"] for b in form["blocks"] if b["type"] == "input"): text}
    )
    assert status == 200 and preview["response_action"] == "update"
    assert text in str(preview["view"])
    status, _ = await poster.submit(list(slack.views.values())[-1])
    assert status == 200


# ---------------------------------------------------------------- web chat, in a browser


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium is not installed: run `sh tests/packages.sh`")
async def test_a_visitor_is_answered_by_the_bot_and_then_by_a_person(tmp_path: Path) -> None:
    from playwright.async_api import async_playwright, expect

    async with (
        desk_in_slack(tmp_path, webchat={"site": {}}) as (deskgate, slack, poster),
        async_playwright() as web,
    ):
        browser = await web.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_ARGS)
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{deskgate.settings.server.port}/chat")

        box = page.get_by_role("textbox").first
        await box.fill("Where is my order?")
        await box.press("Enter")
        await expect(page.get_by_text("automatic assistant of Linden & Fox")).to_be_visible(timeout=60_000)
        await expect(page.get_by_role("link", name=re.compile("Where is my order"))).to_be_visible()

        await page.get_by_role("button", name="No", exact=True).click()
        await expect(page.get_by_text("A person will answer you here")).to_be_visible(timeout=60_000)

        (ts,) = await until(lambda: cards(slack))
        assert "Where is my order?" in str(slack.messages["C0DESK", ts])
        await answer_in_slack(slack, poster, ts, "It is on the van, Mia.")
        await expect(page.get_by_text("It is on the van, Mia.")).to_be_visible(timeout=60_000)

        assert await poster.press(ts, "resolve") == 200
        await expect(page.get_by_text("as resolved")).to_be_visible(timeout=60_000)
        await browser.close()


# ---------------------------------------------------------------- mail, through real servers


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    if reason := why_not():
        pytest.skip(reason)
    with mail_servers() as started:
        yield started


def mailbox(servers: Servers, user: str) -> list[email.message.EmailMessage]:
    """All mail of a user, oldest first."""
    with IMAPClient("127.0.0.1", servers.imap, ssl=False) as box:
        box.login(user, PASSWORD)
        box.select_folder("INBOX", readonly=True)
        found = box.fetch(box.search(), ["BODY.PEEK[]"])
    return [
        email.message_from_bytes(parts[b"BODY[]"], policy=email.policy.default)  # type: ignore[misc]
        for _, parts in sorted(found.items())
    ]


def send_mail(servers: Servers, text: str, answers: EmailMessage | None = None) -> None:
    """Mia writes, or answers what she got."""
    mail = EmailMessage()
    mail["From"], mail["Message-ID"] = "Mia <mia@shop.test>", f"<{abs(hash(text))}@shop.test>"
    mail["To"] = "support@shop.test" if answers is None else answers["Reply-To"]
    mail["Subject"] = "My parcel" if answers is None else answers["Subject"]
    if answers is not None:
        mail["In-Reply-To"] = answers["Message-ID"]
        quoted = answers.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        text += "\n\nOn Mon, 2 Mar 2026 at 10:00, Support wrote:\n" + re.sub("^", "> ", quoted, flags=re.M)
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", servers.smtp) as exim:
        exim.send_message(mail)


@pytest.mark.mailserver
async def test_a_mail_is_answered_by_the_bot_and_then_by_a_person(tmp_path: Path, servers: Servers) -> None:
    account = {
        "address": "support@shop.test",
        "imap_host": "127.0.0.1",
        "imap_port": servers.imap,
        "imap_security": "none",
        "imap_username": "support",
        "imap_password": PASSWORD,
        "imap_poll": 0.5,
        "smtp_host": "127.0.0.1",
        "smtp_port": servers.smtp,
        "ca_file": str(servers.certificate),
    }
    async with desk_in_slack(tmp_path, email={"support": account}) as (deskgate, slack, poster):
        await _mailbox_is_watched(deskgate)
        await asyncio.to_thread(send_mail, servers, "Hello,\n\nWhere is my order?\n\nKind regards\nMia")
        (answer,) = await _mails(servers, "mia", 1)
        assert "My parcel" in answer["Subject"] and answer["Auto-Submitted"] == "auto-replied"
        assert "Track parcel" in answer.get_body(("plain",)).get_content()

        await asyncio.to_thread(send_mail, servers, "That did not help.", answer)
        (ts,) = await until(lambda: cards(slack))
        await answer_in_slack(slack, poster, ts, "It is on the van, Mia.")
        mails = await _mails(servers, "mia", 3)
        last = mails[-1]
        assert "It is on the van, Mia." in last.get_body(("plain",)).get_content()
        assert last["Auto-Submitted"] is None
        assert answer["Message-ID"] in last["References"]
        assert len(cards(slack)) == 1, "one ticket, one card"


async def _mailbox_is_watched(deskgate: Deskgate) -> None:
    async with asyncio.timeout(60):
        while not await deskgate.store.driver.read(lambda tx: tx.all("SELECT name FROM cursors")):
            await asyncio.sleep(0.05)


async def _mails(servers: Servers, user: str, count: int) -> list[Any]:
    async with asyncio.timeout(60):
        while True:
            found = await asyncio.to_thread(mailbox, servers, user)
            if len(found) >= count:
                return found
            await asyncio.sleep(0.2)
