"""What Slack posts to an app: signed events, pressed buttons and sent forms, as its documentation shows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from gateway.clock import Clock
from tests.slack_limits import check_modal
from tests.slack_standin import BOT, BOT_USER, SECRET, TEAM, Slack


def signed(body: str | bytes, clock: Clock, *, secret: str = SECRET, age: int = 0) -> dict[str, str]:
    """The headers of docs.slack.dev/authentication/verifying-requests-from-slack."""
    stamp = str(int(clock.now().timestamp()) - age)
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature or ""}


@dataclass(kw_only=True)
class Poster:
    """Posts to our routes like Slack does."""

    slack: Slack
    http: aiohttp.ClientSession
    url: str  # …/slack/<account>

    async def event(self, event: dict[str, Any], **envelope: Any) -> tuple[int, str]:
        """An event_callback (docs.slack.dev/apis/events-api, "Callback field")."""
        return await self.json(event_callback(event, f"Ev{self.slack.number():08d}", **envelope))

    async def json(self, payload: dict[str, Any], path: str = "/events", **headers: str) -> tuple[int, str]:
        body = json.dumps(payload)
        kind = {"Content-Type": "application/json", **headers}
        return await self.raw(body, {**signed(body, self.slack.clock), **kind}, path)

    async def raw(self, body: str | bytes, headers: dict[str, str], path: str = "/events") -> tuple[int, str]:
        async with self.http.post(self.url + path, data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def interact(self, payload: dict[str, Any], path: str = "/interactions") -> tuple[int, str]:
        """A form with the field payload (docs.slack.dev/interactivity/handling-user-interaction)."""
        body = urlencode({"payload": json.dumps(payload)})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.raw(body, {**signed(body, self.slack.clock), **kind}, path)

    async def command(self, command: str, text: str, *, user: str = "U0ANN") -> tuple[int, str]:
        """docs.slack.dev/interactivity/implementing-slash-commands."""
        fields = {
            "token": "verification", "team_id": TEAM, "team_domain": "home", "channel_id": "C0ELSE",
            "channel_name": "x", "user_id": user, "user_name": "x", "command": command, "text": text,
            "api_app_id": "A0APP", "response_url": "https://hooks.slack.com/commands/1", "trigger_id": "1.2.x",
        }  # fmt: skip
        body = urlencode(fields)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.raw(body, {**signed(body, self.slack.clock), **kind}, "/commands")

    async def press(self, ts: str, action_id: str, *, user: str = "U0ANN", team: str = TEAM) -> int:
        """Presses a button of the message `ts`, with the value that it has there."""
        message = self.slack.messages[("C0DESK", ts)]
        return await self._press(message["blocks"], action_id, user, team, message_place(ts))

    async def press_in_view(self, view: dict[str, Any], action_id: str, user: str = "U0ANN") -> int:
        place = {"container": {"type": "view", "view_id": view["id"]}, "view": view}
        return await self._press(view["blocks"], action_id, user, TEAM, place)

    async def press_in_whisper(self, whisper: dict[str, Any], action_id: str, user: str = "U0ANN") -> int:
        place = message_place(whisper["message_ts"], ephemeral=True)
        return await self._press(whisper["blocks"], action_id, user, TEAM, place)

    async def _press(
        self, blocks: list[dict[str, Any]], action_id: str, user: str, team: str, place: dict[str, Any]
    ) -> int:
        elements = [e for b in blocks for e in (*b.get("elements", ()), b.get("accessory", {}))]
        found = [e for e in elements if e.get("action_id") == action_id]
        assert found, f"there is no button {action_id}"
        action = {
            **{name: found[0][name] for name in ("action_id", "type", "text", "value") if name in found[0]},
            "block_id": "b",
            "action_ts": self.slack.new_ts(),
        }
        payload = block_actions(action, user, team, self.slack.trigger(), place)
        payload["response_url"] = self.slack.api_url.replace("/api/", "/response")
        status, _ = await self.interact(payload)
        return status

    async def choose(self, view: dict[str, Any], action_id: str, value: str, user: str = "U0ANN") -> int:
        """Chooses from a menu beside a form's text; what was typed so far comes with it."""
        menus = [b["accessory"] for b in view["blocks"] if "accessory" in b]
        (menu,) = (m for m in menus if m["action_id"] == action_id)
        (option,) = (o for o in menu["options"] if o["value"] == value)
        action = {"action_id": action_id, "type": "static_select", "block_id": "b", "selected_option": option}
        place = {"container": {"type": "view", "view_id": view["id"]}, "view": view}
        payload = block_actions(
            {**action, "action_ts": self.slack.new_ts()}, user, TEAM, self.slack.trigger(), place
        )
        return (await self.interact(payload))[0]

    async def submit(
        self, view: dict[str, Any], typed: dict[str, Any] | None = None, user: str = "U0ANN"
    ) -> tuple[int, dict[str, Any]]:
        """Sends a form; applies the answer to it as Slack would. typed: by field; files are lists of file objects."""
        values = state_values(view, typed or {})
        status, body = await self.interact(view_submission({**view, "state": {"values": values}}, user))
        answer = json.loads(body) if body else {}
        apply_response(self.slack, view["id"], answer)
        return status, answer


def state_values(view: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """docs.slack.dev/reference/views, "state": what each input of the view holds, by block and action id."""
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    check_typed(inputs, typed)
    values = {}
    for block in inputs:
        element = block["element"]
        given = typed.get(element["action_id"])
        values[block["block_id"]] = {element["action_id"]: {"type": element["type"], **_held(element, given)}}
    return values


def _held(element: dict[str, Any], given: Any) -> dict[str, Any]:
    match element["type"]:
        case "static_select":
            chosen = [o for o in element["options"] if o["value"] == given]
            return {"selected_option": chosen[0] if chosen else element.get("initial_option")}
        case "datetimepicker":
            return {"selected_date_time": given or element.get("initial_date_time")}
        case "file_input":
            return {"files": given or []}
        case _:
            return {"value": given if given is not None else element.get("initial_value")}


def check_typed(inputs: list[dict[str, Any]], typed: dict[str, Any]) -> None:
    """Slack's own form enforces max_length and required inputs before it sends anything."""
    names = {block["element"]["action_id"] for block in inputs}
    assert set(typed) <= names, f"there is no field {set(typed) - names}"
    for block in inputs:
        value = typed.get(block["element"]["action_id"])
        if isinstance(value, str) and block["element"]["type"] == "plain_text_input":
            assert len(value) <= block["element"].get("max_length", 3000)


def apply_response(slack: Slack, view_id: str, answer: dict[str, Any]) -> None:
    """docs.slack.dev/surfaces/modals, "Updating a view via response_action"."""
    match answer.get("response_action"):
        case "update":
            check_modal(answer["view"])
            slack.views[view_id] = {**answer["view"], "id": view_id, "hash": f"h{slack.number()}"}
        case "clear" | None:
            slack.views.pop(view_id, None)
        case "errors":
            blocks = {block.get("block_id") for block in slack.views[view_id]["blocks"]}
            assert set(answer["errors"]) <= blocks
        case other:
            raise AssertionError(f"unknown response_action {other}")


def event_callback(event: dict[str, Any], event_id: str, **more: Any) -> dict[str, Any]:
    return {
        "token": "verification",
        "team_id": TEAM,
        "api_app_id": "A0APP",
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": 1764000000,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": "4-abc",
        **more,
    }


def thread_message(slack: Slack, thread_ts: str, text: str, **more: Any) -> dict[str, Any]:
    """A person's reply below a message of the app (docs.slack.dev/reference/events/message.channels)."""
    ts = slack.new_ts()
    return {
        "type": "message",
        "channel": "C0DESK",
        "channel_type": "channel",
        "user": "U0ANN",
        "text": text,
        "ts": ts,
        "event_ts": ts,
        "thread_ts": thread_ts,
        "parent_user_id": BOT_USER,
        "team": TEAM,
        **more,
    }


def message_place(ts: str, *, ephemeral: bool = False) -> dict[str, Any]:
    container = {"type": "message", "message_ts": ts, "channel_id": "C0DESK", "is_ephemeral": ephemeral}
    return {"container": container, "channel": {"id": "C0DESK", "name": "desk"}}


def block_actions(
    action: dict[str, Any], user: str, team: str, trigger: str, place: dict[str, Any]
) -> dict[str, Any]:
    """docs.slack.dev/reference/interaction-payloads/block_actions-payload."""
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "x", "name": "x", "team_id": team},
        "api_app_id": "A0APP",
        "token": "verification",
        "trigger_id": trigger,
        "team": {"id": TEAM, "domain": "home"},
        "enterprise": None,
        "is_enterprise_install": False,
        "state": {"values": {}},
        "actions": [action],
        **place,
    }


def view_submission(view: dict[str, Any], user: str) -> dict[str, Any]:
    """docs.slack.dev/reference/interaction-payloads/view-interactions-payload."""
    return {
        "type": "view_submission",
        "team": {"id": TEAM, "domain": "home"},
        "user": {"id": user, "username": "x", "name": "x", "team_id": TEAM},
        "api_app_id": "A0APP",
        "token": "verification",
        "trigger_id": "9.trigger",
        "view": {"team_id": TEAM, "app_id": "A0APP", "bot_id": BOT, "root_view_id": view["id"], **view},
        "response_urls": [],
        "is_enterprise_install": False,
        "enterprise": None,
    }


def message_action(
    callback: str, message: dict[str, Any], trigger: str, user: str = "U0ANN"
) -> dict[str, Any]:
    """docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload, "Message shortcuts"."""
    return {
        "type": "message_action",
        "token": "verification",
        "callback_id": callback,
        "trigger_id": trigger,
        "action_ts": "1764000000.000100",
        "response_url": "https://hooks.slack.com/app/T0HOME/1/x",
        "message_ts": message["ts"],
        "message": message,
        "channel": {"id": "C0DESK", "name": "desk"},
        "team": {"id": TEAM, "domain": "home"},
        "user": {"id": user, "username": "x", "name": "x", "team_id": TEAM},
        "is_enterprise_install": False,
        "enterprise": None,
    }
