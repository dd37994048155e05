"""Alarms: told once by a way other than the channels, told again when it is over, folded when there are many."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from gateway.clock import to_ms
from gateway.errors import Retryable, StoreError
from gateway.model import Priority, Verb
from gateway.operations import alarm_ways
from gateway.operations.alarms import Alarms, conditions, message
from gateway.operations.health import Health
from gateway.privacy import Seal
from gateway.settings.alarms import AlarmSettings
from gateway.store.vitals import Alarm, Vitals
from tests.conftest import MakeWorld
from tests.fakes import ManualClock
from tests.hours import POLICY, local
from tests.running import free_port
from tests.stores import rows
from tests.world import World


class Told:
    """What went out, instead of a real way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.news: list[tuple[str, str]] = []
        self.reached = True
        monkeypatch.setattr(alarm_ways, "tell", self._tell)

    async def _tell(self, settings: AlarmSettings, subject: str, text: str) -> bool:
        if self.reached:
            self.news.append((subject, text))
        return self.reached


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


@pytest.fixture
async def alarms(world: World) -> AsyncIterator[Alarms]:
    yield Alarms(
        world.store, world.clock, world.intake.health, AlarmSettings(url=SecretStr("http://127.0.0.1:9/")),
        company="Linden & Fox", accounts=("mail/main",),
    )  # fmt: skip


async def test_a_lost_mailbox_is_told_once_and_again_when_it_is_back(
    world: World, alarms: Alarms, told: Told
) -> None:
    for _ in range(4):
        world.host.fares(
            "mail/main", "the server refused to sign us in, check imap_username and imap_password"
        )
        await alarms.look()
        world.clock.advance(minutes=2)
    await alarms.look()
    ((subject, text),) = told.news
    assert subject == "Deskgate for Linden & Fox: mail/main receives"
    assert "receives nothing since" in text and "check imap_username" in text and "deskgate doctor" in text
    world.host.fares("mail/main")
    await alarms.look()
    await alarms.look()
    assert len(told.news) == 2 and "over: mail/main receives" in told.news[1][0]
    assert await rows(world.store, "SELECT * FROM alarms") == []


async def test_a_short_trouble_is_no_alarm(world: World, alarms: Alarms, told: Told) -> None:
    world.host.fares("mail/main", "OSError")
    world.clock.advance(minutes=2)
    world.host.fares("mail/main")
    world.clock.advance(minutes=20)
    await alarms.look()
    assert told.news == []


async def test_a_restart_tells_nothing_twice(world: World, alarms: Alarms, told: Told) -> None:
    world.host.fares("mail/main", "OSError")
    world.clock.advance(minutes=10)
    await alarms.look()
    health = Health(world.clock)
    again = Alarms(world.store, world.clock, health, AlarmSettings(), accounts=("mail/main",))
    health.unwell("mail/main receives", "OSError")
    world.clock.advance(minutes=10)
    await again.look()
    assert len(told.news) == 1


async def test_an_alarm_that_reached_nobody_is_tried_again(world: World, alarms: Alarms, told: Told) -> None:
    told.reached = False
    world.host.fares("mail/main", "OSError")
    world.clock.advance(minutes=10)
    await alarms.look()
    told.reached = True
    await alarms.look()
    assert len(told.news) == 1


async def test_much_trouble_is_one_message(world: World, alarms: Alarms, told: Told) -> None:
    for account in ("mail/main", "chat/main", "team/main"):
        world.host.fares(account, "OSError")
    await world.take(world.message("Where is my order?"))
    world.clock.advance(minutes=10)
    await alarms.look()
    ((subject, text),) = told.news
    assert "4 need attention" in subject and text.count("\n!") + 1 == 4


@pytest.mark.parametrize("promises", ["never", "breach", "warning"])
async def test_a_broken_promise_is_told_once_a_queue_and_again_when_it_is_kept(
    make_world: MakeWorld, told: Told, promises: str
) -> None:
    world = await make_world(**POLICY)
    settings = AlarmSettings(url=SecretStr("http://127.0.0.1:9/"), promises=promises)  # type: ignore[arg-type]
    alarms = Alarms(
        world.store, world.clock, world.intake.health, settings, queues={"general": "Customer care"}
    )

    async def until(text: str) -> None:
        await world.later(seconds=(local(text) - world.clock.now()).total_seconds())
        await alarms.look()

    await until("2026-03-27T16:30")  # a Friday
    for who in ("mia", "noa", "zoe"):
        await world.say("a person, please", who=who)
    for time in ("16:59", "23:00"):
        await until(f"2026-03-27T{time}")
    assert told.news == [], "nothing is due before Monday at 10:30"
    await until("2026-03-30T10:15")
    soon = ["Deskgate: general due soon"] if promises == "warning" else []
    assert [subject for subject, _ in told.news] == soon
    for _ in range(3):
        await until("2026-03-30T10:45")
    if promises == "never":
        assert told.news == []
        return
    text = told.news[-1][1]
    assert "3 tickets of Customer care are overdue: DG-1 first, since 2026-03-30 08:30 UTC." in text
    assert "due first" in text and len(told.news) == len(soon) + 1, "once, whatever is overdue after that"
    for number in await world.numbers():
        await world.act(Verb.REPLY, number, text="Here it is.")
    await world.settle()
    await alarms.look()
    assert "over: general overdue" in told.news[-1][0]
    assert await rows(world.store, "SELECT * FROM alarms") == []


async def test_an_urgent_ticket_that_is_overdue_is_an_alarm_of_its_own_at_any_hour(
    make_world: MakeWorld, told: Told
) -> None:
    world = await make_world(**POLICY)
    alarms = Alarms(world.store, world.clock, world.intake.health, AlarmSettings())
    await world.later(seconds=(local("2026-03-28T22:00") - world.clock.now()).total_seconds())
    for who in ("mia", "noa"):
        await world.say("a person, please", who=who)
        await world.act(Verb.PRIORITY, max(await world.numbers()), priority=Priority.URGENT)
    await world.later(minutes=31)
    await world.later(minutes=1)
    await alarms.look()
    assert [subject for subject, _ in told.news] == ["Deskgate: 2 need attention"]
    assert "DG-1 is urgent and overdue" in told.news[0][1] and "Here" not in told.news[0][1]


async def test_a_relay_that_is_down_for_an_hour_costs_nothing_and_is_told(
    world: World, alarms: Alarms, told: Told
) -> None:
    """An hour in the world's own time: what was to be sent leaves when the relay is back, once each."""
    lost = Retryable("The mail relay cannot be reached or does not answer.", bucket="mail/main")
    world.mail.fails = lambda outgoing: lost
    for number in range(5):
        await world.say("Where is my order?", who=f"mia{number}", door="mail")
    for _ in range(60):
        await world.later(minutes=1)
        await alarms.look()
    assert world.mail.sent == []
    assert "mail/main sends nothing since" in "".join(text for _, text in told.news)
    world.mail.fails = lambda outgoing: None
    await world.later(minutes=20)
    await alarms.look()
    assert "over" in told.news[-1][0]
    assert len(world.mail.sent) == 5 and (await world.store.ledger_count()).adds_up


async def test_a_database_that_is_lost_is_told_without_it(
    world: World, alarms: Alarms, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: Any) -> Any:
        raise StoreError("PostgreSQL: OperationalError")

    with monkeypatch.context() as broken:
        broken.setattr(world.store, "take_lease", lost)
        await alarms.look()
        world.clock.advance(minutes=6)
        await alarms.look()
        await alarms.look()
    ((_, text),) = told.news
    assert "database does not answer" in text and "Start the database" in text
    await alarms.look()
    assert "Over: database." in told.news[1][1]


async def test_a_silent_account_is_told_where_that_is_wished(world: World, told: Told) -> None:
    settings = AlarmSettings(silent_hours=3)
    alarms = Alarms(world.store, world.clock, world.intake.health, settings, accounts=("mail/main",))
    await world.say("Hello", door="mail")
    await alarms.look()
    world.clock.advance(hours=4)
    await alarms.look()
    assert "mail/main has brought nothing since" in told.news[0][1]
    await world.say("Hello again", door="mail")
    await alarms.look()
    assert "over" in told.news[1][0]


def test_each_condition_begins_and_ends() -> None:
    now, settings = ManualClock().now(), AlarmSettings()

    def held(**fields: Any) -> list[str]:
        return [name for name, text in conditions(Vitals(**fields), settings, now) if text]

    long_ago, just_now = to_ms(now - timedelta(hours=2)), to_ms(now - timedelta(minutes=1))
    assert held() == []
    assert held(oldest_input=long_ago, pending=3) == ["inputs wait"]
    assert held(oldest_input=just_now, pending=3) == []
    assert held(oldest_send=long_ago, waiting=1) == ["sends wait"]
    assert held(oldest_send=long_ago, waiting=1, paused=True) == ["outbox paused"]
    assert held(dead=1) == ["dead letters"]


def test_the_reason_of_a_trouble_names_nobody() -> None:
    health = Health(ManualClock())
    health.unwell("mail/main sends", "550 <mia@example.org>: refused")
    assert "mia" not in health.troubles["mail/main sends"].reason


def test_a_failure_that_is_not_repeated_is_forgotten() -> None:
    clock = ManualClock()
    health = Health(clock)
    health.unwell("mail/main sends", "refused")
    clock.advance(hours=2)
    assert health.troubles == {}


# ---------------------------------------------------------------- the ways out, on real servers


class Inbox:
    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(envelope.content.decode())
        return "250 OK"


async def test_alarms_leave_by_mail_by_address_and_by_command(tmp_path: Path) -> None:
    inbox, got = Inbox(), asyncio.Queue[Any]()

    async def hook(request: web.Request) -> web.Response:
        await got.put(await request.json())
        return web.Response()

    app, port, file = web.Application(), free_port(), tmp_path / "told"
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    await asyncio.to_thread(controller.start)
    writing = f"import sys; open({str(file)!r}, 'w').write(sys.stdin.read())"
    settings = AlarmSettings(
        mail_to=("ops@example.com",), smtp_host="127.0.0.1", smtp_port=controller.port, smtp_security="none",
        url=SecretStr(f"http://127.0.0.1:{port}/hook"), command=(sys.executable, "-c", writing),
    )  # fmt: skip
    try:
        assert await alarm_ways.tell(settings, "Deskgate: dead letters", "3 inputs could not be handled.")
        assert (await got.get())["text"] == "Deskgate: dead letters\n3 inputs could not be handled."
    finally:
        await asyncio.to_thread(controller.stop)
        await runner.cleanup()
    assert "3 inputs" in inbox.mails[0] and "Auto-Submitted: auto-generated" in inbox.mails[0]
    assert json.loads(file.read_text())["subject"] == "Deskgate: dead letters"


async def test_one_way_that_fails_does_not_close_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = AlarmSettings(
        url=SecretStr(f"http://127.0.0.1:{free_port()}/secret-token"), command=(sys.executable, "-c", "")
    )
    assert await alarm_ways.tell(settings, "a", "b")
    assert "alarm not told by url" in caplog.text and "secret-token" not in caplog.text
    assert not await alarm_ways.tell(settings.model_copy(update={"command": ("/nowhere",)}), "a", "b")


def test_a_message_says_what_to_do() -> None:
    now = ManualClock().now()
    news = [Alarm(name="dead letters", at=0, text="3 inputs could not be handled.")]
    subject, text = message(news, "", now)
    assert subject == "Deskgate: dead letters" and "deskgate dead list" in text


# ---------------------------------------------------------------- metrics


async def test_the_figures_are_those_of_the_world(make_world: MakeWorld) -> None:
    from gateway.operations.vitals import Operations

    world = await make_world()
    operations = Operations(world.store, Seal(b"k" * 32), world.clock, world.intake, ("chat/main",))
    said = await world.say("Where is my order?")
    await world.take(said)
    await world.take(world.message("And my parcel?"))
    world.clock.advance(seconds=30)
    text = (await operations.exposition()).decode()
    for line in (
        'deskgate_taken_total{account="main",connector="chat"} 3.0',
        'deskgate_duplicates_total{account="main",connector="chat"} 1.0',
        "deskgate_oldest_input_seconds 30.0",
        'deskgate_last_receipt_seconds{account="chat/main"} 30.0',
        "deskgate_inputs_pending 1.0",
        "deskgate_handle_seconds_count 1.0",
        'deskgate_down{account="chat/main",way="receives"} 0.0',
    ):
        assert line in text, text
    assert "mia" not in text
