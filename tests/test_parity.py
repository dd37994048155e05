"""Channel parity (E12): where a configuration names no door, the same words get the same treatment by every one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answer import Bot
from bot.articles import load
from gateway.case import Case, Change, Claim, LedgerRow
from gateway.cli import main
from gateway.cli.triage import _NOW as NOW
from gateway.decision import decide
from gateway.model import Address, Identity, Message, Post, Side
from gateway.policy import AccountPolicy, Policy
from gateway.policy_making import make_policy
from gateway.privacy import Seal
from gateway.settings import Settings
from gateway.simulation.recorder import channels, recorded
from gateway.startup import read_settings
from gateway.triage.parity import named_doors
from gateway.triage.rulebook import Rulebook
from gateway.triage.rules import Rule, Rules, Then, When

ROOT = Path(__file__).parent.parent
WORDS = [
    *(
        "Where is my order?",
        "I forgot my password",
        "a person, please",
        "prosim, človeka",
        "hello",
        "thanks",
        "42",
    ),
    *(
        "This is a disgrace, I am furious!",
        "I will call my lawyer",
        "You idiots",
        "I want your manager",
        "ich bin wütend",
    ),
    *(
        "My card is 4111 1111 1111 1111",
        "My bill is wrong, I was charged twice",
        "IBAN DE89 3704 0044 0532 0130 00",
    ),
    *(
        "the app crashes",
        "我要投诉",
        "¿Dónde está mi pedido?",
        "Do you sponsor football clubs?",
        "password: hunter2hunter2",
    ),
]
SAID = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=60)), min_size=1, max_size=3).map(" ".join)


@pytest.fixture(scope="module")
def shipped() -> tuple[Policy, Settings]:
    """The configuration that comes with Deskgate, with every channel connected."""
    own, found = read_settings(ROOT / "config.toml", {})
    accounts = recorded(found, [(name, "") for name in channels()])
    seal = Seal(b"k" * 32)
    connected = {each.key: each.connect(seal) for each in accounts}
    rules = Rulebook(ROOT / own.rules.file, own.queues).rules if own.rules.file else Rules()
    return make_policy(own, accounts, connected, seal, rules), own


@pytest.fixture(scope="module")
def bot(articles: Path) -> Bot:
    return Bot.build(load(articles)).train()


def by(door: str, text: str, policy: Policy, bot: Bot) -> Change | None:
    """What one message by this door makes of an empty desk."""
    account = next(key for key in policy.accounts if key.startswith(f"{door}/"))
    address = Address(connector=door, account=account.partition("/")[2], conversation="mia")
    threaded = policy.account(address).threaded
    message = Message(
        connector=door,
        account=address.account,
        delivery_key="d",
        at=NOW,
        address=msgspec.structs.replace(address, thread="t" if threaded and door != "email" else ""),
        sender=Identity(kind=door, value="mia", name="Mia"),
        text=text,
        message_key="k",
        version="1",
    )
    row = LedgerRow(id=7, received_at=NOW, attempts=0, input=message)
    outcome = decide(Case(claim=Claim(stream="s", fence="f", rows=(row,))), NOW, policy, bot)
    return outcome.changes[0] if outcome.changes else None


def essence(change: Change | None) -> Any:
    """All of a decision but where it was said and where the answer goes."""
    if change is None:
        return None
    sides = {leg.id: leg.side for leg in change.legs}
    told = [
        (send.kind, send.not_before, send.outgoing.text, [button.label for button in send.outgoing.buttons])
        for send in change.sends
        if isinstance(send.outgoing, Post) and sides.get(send.leg) is Side.REQUESTER
    ]
    entries = [(entry.kind, entry.text, entry.full_text) for entry in change.entries]
    events = [(event.kind, _doorless(event.data)) for event in change.events]
    return change.ticket, told, entries, events, change.timers


def _doorless(data: Mapping[str, Any]) -> str:
    kept = {k: v for k, v in data.items() if k not in ("connector", "account", "channel")}
    return msgspec.json.encode(kept).decode()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=SAID)
def test_the_same_words_get_the_same_by_every_door(
    text: str, shipped: tuple[Policy, Settings], bot: Bot
) -> None:
    """Tier, queue, priority, SLA, words, timers and reasons; all but the address."""
    policy, _ = shipped
    first, *others = [essence(by(door, text, policy, bot)) for door in channels()]
    for other in others:
        assert other == first


def test_the_shipped_configuration_names_no_door(shipped: tuple[Policy, Settings]) -> None:
    policy, own = shipped
    assert named_doors(policy, own.model_dump(mode="json")) == []


def test_a_whole_story_is_the_same_by_every_door(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Question, "not helped", an agent, a reply, resolved, "thanks": line for line the same in every channel."""
    monkeypatch.chdir(ROOT)
    stories = {}
    for door in channels():
        lines = [
            {
                "at": "2026-03-25T10:00:00+01:00",
                "connector": door,
                "from": "mia",
                "text": "Where is my order?",
            },
            {
                "at": "2026-03-25T10:01:00+01:00",
                "connector": door,
                "from": "mia",
                "text": "no, that did not help",
            },
            {"at": "2026-03-25T10:02:00+01:00", "agent": "U1", "verb": "claim"},
            {"at": "2026-03-25T10:03:00+01:00", "agent": "U1", "verb": "reply", "text": "It is in Graz."},
            {
                "at": "2026-03-25T10:04:00+01:00",
                "connector": door,
                "from": "mia",
                "text": "And where in Graz?",
            },
            {"at": "2026-03-25T10:05:00+01:00", "agent": "U1", "verb": "resolve", "text": "At the station."},
            {"at": "2026-03-25T10:06:00+01:00", "connector": door, "from": "mia", "text": "thanks!"},
            {"at": "2026-04-05T10:00:00+02:00", "tick": True},
        ]
        file = tmp_path / "story.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
        assert main(["simulate", str(file)]) == 0
        told = (
            capsys.readouterr()
            .out.replace(f"by {door}", "by DOOR")
            .replace(f"Channel: {door}", "Channel: DOOR")
        )
        lines_told = [{**json.loads(line), "channel": ""} for line in told.splitlines()]
        # How a message found its ticket is the one thing that doors differ in.
        stories[door] = [
            {**line, "why": ""} if line["why"].startswith("It ") else line for line in lines_told
        ]
    first, *others = stories.values()
    assert first and all(other == first for other in others)


def test_a_configuration_that_means_a_door_says_which(shipped: tuple[Policy, Settings]) -> None:
    policy, own = shipped
    rule = Rule(name="chat first", when=When(channel=("webchat",)), then=Then(priority=None))
    accounts = {**policy.accounts, "email/billing": AccountPolicy(queue="payments")}
    named = msgspec.structs.replace(policy, rules=Rules((rule,)), accounts=accounts)
    sections = {
        **own.model_dump(mode="json"),
        "sla": {"first": {"email": "4h"}, "quick": {"channel": ["telegram"]}},
    }
    assert named_doors(named, sections) == [
        "rule 'chat first' looks at the door: webchat",
        "email/billing has its own queue: payments",
        "sla.first.email is for email alone",
        "sla.quick.channel names telegram",
    ]


def test_check_lists_the_doors_that_are_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    config = tmp_path / "config.toml"
    config.write_text(
        '[queues.general]\ntitle = "Care"\ndefault = true\n[connectors.webchat.site]\nqueue = "general"\n'
        f'[bot]\narticles = "{ROOT / "kb_articles"}"\n',
        "utf-8",
    )
    main(["check", "--config", str(config)])
    assert "as intended: webchat/site has its own queue: general" in capsys.readouterr().out
