"""The gate, the rules and the moods in the whole path: what a message becomes, by any door."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import cli
from gateway.model import EntryKind, Priority, Speaker, Verb
from gateway.policy import QueuePolicy
from gateway.privacy.masking import mask
from gateway.triage.mood import shipped
from gateway.triage.rules import Rule, Rules, Then, When, load
from tests.world import World, make_policy

ROOT = Path(__file__).parent.parent
GATE = tomllib.loads((ROOT / "tests/data/gate.toml").read_text("utf-8"))
VALUES = ("card", "iban", "credential", "national_id")
#: A thousand ordinary numbers: none of them is a card, whatever its check digit.
NUMBERED = [
    form.format(
        n=n, digits=f"{n * 7919 + 4_000_000_000_000_000 % 10**16:016d}", short=f"{n * 104729 % 10**9:09d}"
    )
    for n in range(1, 11)
    for form in (
        "Where is order {digits}?",
        "Order number: 302-{short:.7}-{short:.7}",
        "Tracking 1Z999AA1{short}",
        "Sendungsnummer {digits}, wo ist das Paket?",
        "Pedido {short} no ha llegado",
        "Pošiljka RR{short}SI še ni prišla",
        "订单号 {digits} 还没到",
        "Call me at +386 40 {short:.6}",
        "Mein Telefon ist 0049 30 {short:.8}",
        "電話 09{short:.8}，訂單 {short}",
        "Invoice 2026-{n:06d} of 2026-03-{n:02d} 10:15:00",
    )
]


def shipped_policy() -> dict[str, Any]:
    queues = {
        **make_policy().queues,
        "leads": QueuePolicy(name="leads", title="Leads", tier=2),
        "payments": QueuePolicy(name="payments", title="Payments"),
    }
    return {"queues": queues, "rules": load(ROOT / "rules.toml", queues)}


async def triaged(world: World, number: int = 0) -> dict[str, Any]:
    number = number or max(await world.numbers())
    return dict([e.data for e in (await world.page(number)).events if e.kind == "triaged"][-1])


@pytest.mark.parametrize("kind", VALUES)
def test_every_value_of_our_set_is_masked(kind: str) -> None:
    missed = [text for text in GATE[kind] if [f.kind for f in mask(text).found] != [kind]]
    assert missed == []


def test_ordinary_numbers_and_how_tos_are_left_alone() -> None:
    texts = [*NUMBERED, *GATE["howto"]]
    assert len(NUMBERED) >= 100 and len(GATE["howto"]) >= 100
    assert [text for text in texts if mask(text).found] == []
    assert [text for text in texts if shipped().listen(text).own] == []


def test_how_tos_are_seen_as_such_and_own_cases_as_own() -> None:
    assert [text for text in GATE["own"] if not shipped().listen(text).own] == []
    seen = [text for text in GATE["howto"] if shipped().listen(text).topics]
    assert len(seen) >= 0.9 * len(GATE["howto"]), set(GATE["howto"]) - set(seen)


async def test_an_own_case_goes_to_the_protected_queue_without_the_bot(make_world) -> None:  # type: ignore[no-untyped-def]
    world = await make_world(**shipped_policy())
    await world.say("I was charged twice for my order")
    ticket = await world.ticket()
    assert (ticket.queue, ticket.protected, ticket.cause) == ("protected", True, "sensitive")
    assert "private matter" in world.chat.texts[0]
    assert (await triaged(world))["rule"] == "own private matter"


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_how_to_is_answered_only_where_the_article_allows_it(make_world, allowed: bool) -> None:  # type: ignore[no-untyped-def]
    world = await make_world(**shipped_policy())
    library = world.bot.library
    articles = tuple(
        msgspec.structs.replace(a, may_answer=("account",) if allowed else ()) for a in library.articles
    )
    world.bot = type(world.bot).build(msgspec.structs.replace(library, articles=articles)).train()
    await world.say("I forgot my password")
    ticket = await world.ticket()
    assert ticket.protected is False
    assert (ticket.speaker is Speaker.BOT) is allowed
    assert ticket.cause == ("" if allowed else "sensitive")


@pytest.mark.parametrize(
    ("text", "cause", "queue", "priority"),
    [
        ("This is outrageous, worst service ever", "anger", "leads", Priority.HIGH),
        ("You idiots", "abuse", "leads", Priority.HIGH),
        ("I will sue you", "threat_reputation", "leads", Priority.HIGH),
        ("I know where you live", "threat_violence", "leads", Priority.URGENT),
        ("I want to speak to your manager", "asks_manager", "leads", Priority.HIGH),
        ("a person, please", "wants_human", "general", Priority.NORMAL),
    ],
)
async def test_moods_go_to_the_leads_with_cause_and_priority(  # type: ignore[no-untyped-def]
    make_world, text: str, cause: str, queue: str, priority: Priority
) -> None:
    world = await make_world(**shipped_policy())
    await world.say(text)
    ticket = await world.ticket()
    assert (ticket.cause, ticket.queue, ticket.priority) == (cause, queue, priority)
    assert ticket.speaker is Speaker.AGENT
    told = await triaged(world)
    assert told["rule"] in ("", told["tried"][-1]) and told["revision"]


@pytest.mark.parametrize("text", ["Where is my order?", "You idiots", "I was charged twice", "how are you"])
async def test_the_same_words_by_any_door_are_decided_alike(make_world, text: str) -> None:  # type: ignore[no-untyped-def]
    world = await make_world(**shipped_policy())
    await world.say(text)
    await world.say(text, who="noa", door="mail", subject="Hello")
    chat, mail = [await world.ticket(n) for n in await world.numbers()]
    for field in ("tier", "queue", "priority", "cause", "protected", "tags"):
        assert getattr(chat, field) == getattr(mail, field)


async def test_more_angry_words_raise_the_priority_of_what_people_have(make_world) -> None:  # type: ignore[no-untyped-def]
    world = await make_world(**shipped_policy())
    await world.say("a person, please")
    number = (await world.ticket()).id
    await world.act(Verb.CLAIM, number)
    await world.say("I know where you live")
    ticket = await world.ticket(number)
    assert (ticket.priority, ticket.queue, ticket.assignee) == (Priority.URGENT, "general", "ana")
    await world.say("Somebody hacked my account")
    assert (await world.ticket(number)).queue == "protected"


async def test_a_rule_may_keep_the_bot_out_leave_a_note_or_need_no_ticket(make_world) -> None:  # type: ignore[no-untyped-def]
    rules = Rules(
        [
            Rule(name="news", when=When(text=("newsletter",)), then=Then(no_ticket=True)),
            Rule(
                name="lamp",
                when=When(text=("lamp",)),
                then=Then(skip_bot=True, note="Ask for a photo.", tags=("lamp",)),
            ),
        ],
        "rev",
    )
    world = await make_world(rules=rules)
    await world.say("Our newsletter of March")
    assert await world.numbers() == [] and (await world.store.ledger_count()).accepted == 1
    await world.say("Where is my order of a lamp?", who="noa")
    ticket = await world.ticket()
    assert (ticket.cause, ticket.tags) == ("rule", ("lamp",))
    notes = [(e.text, e.author) for e in await world.entries() if e.kind is EntryKind.NOTE]
    assert notes == [("Ask for a photo.", "Rule “lamp”")]


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lines: list[Any], *command: str
) -> list[Any]:
    given = "".join(json.dumps(line) + "\n" for line in lines).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
    monkeypatch.chdir(ROOT)
    assert cli.main(command) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_triage_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        {"id": "a", "text": "Hočem govoriti z vodjo", "channel": "email", "contact": "ana@example.com"},
        {"id": "b", "text": "My card is 4111 1111 1111 1111", "channel": "slack", "contact": "U1"},
        {"id": "c", "text": ""},
    ]
    first, second, third = run(monkeypatch, capsys, lines, "triage", "--jsonl")
    assert (first["id"], first["queue"], first["tier"], first["priority"]) == ("a", "leads", 3, "high")
    assert (first["language"], first["mood"], first["triggers"][0]) == (
        "sl",
        ["asks_manager"],
        "asks_manager",
    )
    assert first["rule"] == first["rules_tried"][-1]
    assert second["protected"] and second["sensitive"] == ["card"] and second["queue"] == "protected"
    assert third["id"] == "c"


def test_the_scan_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = run(
        monkeypatch, capsys, [{"id": 1, "text": "🦊 geslo: lipa2024"}], "privacy", "scan", "--jsonl"
    )
    found = [{"kind": "credential", "start": 9, "end": 17}]
    assert line == {"id": 1, "masked": "🦊 geslo: [credential]", "found": found}
