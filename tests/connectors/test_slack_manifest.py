"""The manifest asks for what the code uses, no less and no more; doctor says what is missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.slack import manifest
from connectors.slack.doctor import examine
from connectors.slack.manifest import CALLS, EVENTS, SCOPES, WITHOUT_CALL, Manifest
from connectors.slack.settings import Settings
from gateway.cli import main
from gateway.connector import QueuePlace
from gateway.model import Address
from tests import slack_standin
from tests.fakes_slack import StandingClock
from tests.slack_scopes import NEEDED
from tests.slack_standin import APP_TOKEN, SECRET, TEAM, TOKEN

CODE = Path(manifest.__file__).parent
#: "chat.postMessage", "users.info": a method of the Web API as the code names it.
METHOD = re.compile(r'"((?:apps|auth|chat|conversations|files|team|users|views|reactions|pins)\.[A-Za-z.]+)"')


def called() -> set[str]:
    """Every Web API method that the connector's code names."""
    texts = [path.read_text() for path in CODE.glob("*.py") if path.name != "manifest.py"]
    return {name for text in texts for name in METHOD.findall(text)}


def test_the_manifest_asks_for_what_the_code_calls_and_for_nothing_else() -> None:
    assert called() == set(CALLS)
    needed = {scope for scopes in CALLS.values() for scope in scopes}
    assert needed | set(WITHOUT_CALL) == set(SCOPES)
    assert not needed & set(WITHOUT_CALL)


def test_the_calls_need_what_slack_documents() -> None:
    for method, scopes in CALLS.items():
        kinds = {scope.split(":")[0] for scope in scopes}
        documented = NEEDED[method]
        for scope in scopes:
            assert documented == scope or documented == "{kind}:" + scope.split(":")[1], method
        assert bool(documented) == bool(kinds), method


@pytest.mark.parametrize("url", ["", "https://help.example.com"])
def test_the_manifest_is_what_slack_takes(url: str) -> None:
    made = yaml.safe_load(Manifest(url=url, customer_command="/ask").yaml())
    assert made["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert made["settings"]["event_subscriptions"]["bot_events"] == list(EVENTS)
    assert made["settings"]["socket_mode_enabled"] is (url == "")
    assert [each["command"] for each in made["features"]["slash_commands"]] == ["/deskgate", "/ask"]
    addresses = re.findall(r"https://\S+", str(made))
    assert bool(addresses) == bool(url) and all("/slack/main/" in address for address in addresses)
    for shortcut in made["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24 and len(shortcut["description"]) <= 150
    assert (
        len(made["display_information"]["name"]) <= 35
        and len(made["display_information"]["description"]) <= 140
    )


def test_each_permission_stands_there_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slack", "manifest", "--socket"]) == 0
    out = capsys.readouterr().out
    assert all(f"- {scope}  # {reason.what}" in out for scope, reason in SCOPES.items())
    assert main(["slack", "manifest", "--url", "http://help.example.com"]) == 2


PLACE = QueuePlace(
    name="general",
    title="Care",
    address=Address(connector="slack", account="main", conversation="C0DESK"),
)


async def examined(changes: Any = None, *, place: QueuePlace = PLACE, **settings: Any) -> list[str]:
    async with slack_standin.running(StandingClock()) as slack:
        if changes:
            changes(slack)
        given = {
            "bot_token": TOKEN,
            "app_token": APP_TOKEN,
            "team_id": TEAM,
            "api_url": slack.api_url,
            **settings,
        }
        account = Settings.model_validate({k: v for k, v in given.items() if v})
        found = await examine("main", account, "http://127.0.0.1:8080", [place])
        assert not slack.messages, "what was posted is deleted again"
        return [f"{each.level}: {each.what} {each.remedy}" for each in found]


async def test_doctor_finds_nothing_where_all_is_well() -> None:
    found = await examined()
    assert all(line.startswith("ok") for line in found), found
    assert any("posted in C0DESK" in line for line in found)


def lose(scope: str) -> Any:
    return lambda slack: slack.scopes.discard(scope)


def channel(**marks: Any) -> Any:
    def change(slack: slack_standin.Slack) -> None:
        for name, value in marks.items():
            setattr(slack.channels["C0DESK"], name, value)

    return change


@pytest.mark.parametrize(
    ("changes", "settings", "said"),
    [
        (None, {"bot_token": "xoxb-wrong"}, "refuses the bot's token"),
        (None, {"team_id": "T0ELSE"}, "Correct team_id"),
        (None, {"app_token": "xapp-wrong"}, "Socket Mode does not work"),
        (None, {"app_token": "", "signing_secret": SECRET}, "cannot call this machine"),
        (lose("im:history"), {}, "lacks im:history: no direct messages"),
        (channel(member=False), {}, "/invite @Deskgate"),
        (channel(archived=True), {}, "is archived"),
        (channel(shared=True), {}, "shared with another organisation"),
        (lambda slack: slack.channels.clear(), {}, "channel_not_found"),
    ],
)
async def test_doctor_names_what_is_wrong_and_the_remedy(
    changes: Any, settings: dict[str, Any], said: str
) -> None:
    found = await examined(changes, **settings)
    assert any(line.startswith("error") and said in line for line in found), found


async def test_a_protected_queue_needs_a_private_channel() -> None:
    import msgspec

    protected = msgspec.structs.replace(PLACE, protected=True)
    assert any("public" in line for line in await examined(place=protected))
    assert all(line.startswith("ok") for line in await examined(channel(private=True), place=protected))
