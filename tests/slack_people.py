"""People in the Slack stand-in: what they write, change, press and type reaches Deskgate by HTTP or Socket Mode."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.slack_posts import Poster, apply_response, block_actions, event_callback, view_submission
from tests.slack_standin import BOT_USER, TEAM, Slack


@dataclass(kw_only=True)
class Wire:
    """The way from Slack to the app: over HTTP with a poster, else by Socket Mode. Each answers (kept, body)."""

    slack: Slack
    poster: Poster | None = None

    async def event(self, event: dict[str, Any], **envelope: Any) -> bool:
        payload = event_callback(event, f"Ev{self.slack.number():08d}", **envelope)
        return await self.again(payload)

    async def again(self, payload: dict[str, Any]) -> bool:
        if self.poster:
            return (await self.poster.json(payload))[0] == 200
        return (await self.slack.links.deliver("events_api", payload))[0]

    async def interact(self, payload: dict[str, Any]) -> tuple[bool, Any]:
        if self.poster:
            status, body = await self.poster.interact(payload)
            return status == 200, json.loads(body) if body else None
        return await self.slack.links.deliver("interactive", payload)

    async def command(self, fields: dict[str, str]) -> tuple[bool, Any]:
        """docs.slack.dev/interactivity/implementing-slash-commands: a form over HTTP, an object in an envelope."""
        if self.poster is None:
            return await self.slack.links.deliver("slash_commands", fields)
        from tests.slack_posts import signed

        body = urlencode(fields)
        headers = {**signed(body, self.slack.clock), "Content-Type": "application/x-www-form-urlencoded"}
        status, answer = await self.poster.raw(body, headers, "/commands")
        return status == 200, json.loads(answer) if answer else None


@dataclass(kw_only=True)
class Writer:
    """A user of Slack. `direct`: their conversation with the app."""

    wire: Wire
    user: str = "U0CY"
    team: str = TEAM
    direct: str = "D0CY"

    @property
    def slack(self) -> Slack:
        return self.wire.slack

    async def says(self, text: str, channel: str = "", thread: str = "", **more: Any) -> dict[str, Any]:
        """Writes a message; the event about it is delivered. Mention the app with `<@U0BOT>`."""
        message = self.writes(text, channel, thread, **more)
        assert await self.wire.event(message), "not acknowledged"
        return message

    def writes(self, text: str, channel: str = "", thread: str = "", **more: Any) -> dict[str, Any]:
        """Writes a message; no event about it reaches anybody yet (docs.slack.dev/reference/events/message)."""
        place = self.slack.channels[channel or self.direct]
        ts = self.slack.new_ts()
        message = {
            "type": "message",
            "channel": place.id,
            "channel_type": place.kind,
            "user": self.user,
            "text": text,
            "ts": ts,
            "event_ts": ts,
            "team": self.team,
            **({"user_team": self.team} if self.team != TEAM else {}),
            **({"thread_ts": thread, "parent_user_id": BOT_USER} if thread else {}),
            **more,
        }
        shown = {k: v for k, v in message.items() if k not in ("channel", "channel_type", "event_ts")}
        self.slack.messages[(place.id, ts)] = shown
        return message

    async def mentions(self, text: str, channel: str, **more: Any) -> dict[str, Any]:
        """Names the app in a channel: Slack sends app_mention and message, in whatever order."""
        message = self.writes(f"<@{BOT_USER}> {text}", channel, **more)
        mention = {k: v for k, v in message.items() if k not in ("channel_type", "files")}
        assert await self.wire.event({**mention, "type": "app_mention"})
        assert await self.wire.event(message)
        return message

    async def edits(self, message: dict[str, Any], text: str) -> None:
        """docs.slack.dev/reference/events/message/message_changed."""
        ts = self.slack.new_ts()
        shown = self.slack.messages[(message["channel"], message["ts"])]
        before = dict(shown)
        shown |= {"text": text, "edited": {"user": self.user, "ts": ts}}
        event = {
            "subtype": "message_changed",
            "hidden": True,
            "message": dict(shown),
            "previous_message": before,
        }
        assert await self.wire.event({**event, **_about(message, ts)})

    async def deletes(self, message: dict[str, Any]) -> None:
        """docs.slack.dev/reference/events/message/message_deleted."""
        before = self.slack.messages.pop((message["channel"], message["ts"]))
        event = {
            "subtype": "message_deleted",
            "hidden": True,
            "deleted_ts": message["ts"],
            "previous_message": before,
        }
        assert await self.wire.event({**event, **_about(message, self.slack.new_ts())})

    async def presses(self, message: dict[str, Any], label: str, channel: str = "") -> tuple[bool, Any]:
        """Presses the button with this label below a message of the app."""
        found = [e for b in message["blocks"] for e in b.get("elements", ()) if _label(e).startswith(label)]
        assert found, f"there is no button {label}"
        action = {
            **{name: found[0][name] for name in ("action_id", "type", "text", "value") if name in found[0]},
            "block_id": "b",
            "action_ts": self.slack.new_ts(),
        }
        channel = channel or self.direct
        container = {"type": "message", "message_ts": message["ts"], "channel_id": channel}
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        place = {"container": container, "channel": {"id": channel, "name": "x"}, "message": message}
        payload = block_actions(action, self.user, self.team, self.slack.trigger(), place)
        payload["response_url"] = self.slack.api_url.replace("/api/", "/response")
        return await self.wire.interact(payload)

    async def types(self, command: str, text: str) -> tuple[bool, Any]:
        fields = {
            "command": command,
            "text": text,
            "user_id": self.user,
            "user_name": "x",
            "team_id": self.team,
            "channel_id": "C0ANY",
            "trigger_id": self.slack.trigger(),
            "response_url": self.slack.api_url.replace("/api/", "/response"),
            "api_app_id": "A0APP",
        }
        return await self.wire.command(fields)

    async def shortcut(self, callback: str, message: dict[str, Any]) -> tuple[bool, Any]:
        """docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload."""
        payload = {
            "type": "message_action",
            "callback_id": callback,
            "trigger_id": self.slack.trigger(),
            "message_ts": message["ts"],
            "channel": {"id": message["channel"], "name": "x"},
            "user": {"id": self.user, "name": "x", "team_id": self.team},
            "team": {"id": TEAM, "domain": "home"},
            "message": self.slack.messages[(message["channel"], message["ts"])],
            "response_url": self.slack.api_url.replace("/api/", "/response"),
            "action_ts": self.slack.new_ts(),
        }
        return await self.wire.interact(payload)

    async def submits(
        self,
        view: dict[str, Any],
        typed: dict[str, str],
        files: dict[str, list[dict[str, Any]]] | None = None,
    ) -> tuple[bool, Any]:
        values: dict[str, Any] = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                element, name = block["element"], block["block_id"]
                entered = {"type": element["type"], "value": typed.get(name, element.get("initial_value"))}
                if element["type"] == "file_input":
                    entered = {"type": "file_input", "files": (files or {}).get(name, [])}
                values[name] = {element["action_id"]: entered}
        return await self.wire.interact(view_submission({**view, "state": {"values": values}}, self.user))

    async def chooses(self, view: dict[str, Any], name: str, value: str) -> tuple[bool, Any]:
        """Chooses from a menu beside a form's text."""
        menus = [block["accessory"] for block in view["blocks"] if "accessory" in block]
        (menu,) = (each for each in menus if each["action_id"] == name)
        (option,) = (each for each in menu["options"] if each["value"] == value)
        action = {"action_id": name, "type": "static_select", "block_id": name, "selected_option": option}
        action["action_ts"] = self.slack.new_ts()
        place = {"container": {"type": "view", "view_id": view["id"]}, "view": view}
        return await self.wire.interact(
            block_actions(action, self.user, self.team, self.slack.trigger(), place)
        )

    async def answers(self, card: dict[str, Any], channel: str, canned: str, *files: dict[str, Any]) -> str:
        """Reply… → a canned reply and files → preview → Send. Gives all that the preview showed."""
        assert (await self.presses(card, "Reply", channel))[0]
        (form,) = self.slack.views.values()
        assert (await self.chooses(form, "canned", canned))[0]
        (filled,) = self.slack.views.values()
        assert filled is not form, "the reply was put into the form"
        (chosen,) = (
            b["block_id"] for b in filled["blocks"] if b.get("element", {}).get("type") == "file_input"
        )
        _, shown = await self.submits(filled, {}, files={chosen: list(files)})
        apply_response(self.slack, form["id"], shown)
        (preview,) = self.slack.views.values()
        kept, answer = await self.submits(preview, {})
        assert kept
        apply_response(self.slack, form["id"], answer or {})
        return words_of(preview)

    def hears(self, channel: str = "", thread: str = "") -> list[dict[str, Any]]:
        """The app's messages in a conversation (and thread), oldest first."""
        place = channel or self.direct
        found = [m for (where, _), m in self.slack.messages.items() if where == place and m.get("bot_id")]
        return [m for m in found if not thread or m.get("thread_ts") == thread]


def words_of(message: dict[str, Any]) -> str:
    """Everything that a message of the app says."""
    return json.dumps(message.get("blocks") or message.get("text"), ensure_ascii=False)


def _about(message: dict[str, Any], ts: str) -> dict[str, Any]:
    place = {"channel": message["channel"], "channel_type": message["channel_type"]}
    return {"type": "message", **place, "ts": ts, "event_ts": ts}


def _label(element: dict[str, Any]) -> str:
    text = element.get("text")
    return str(text.get("text")) if isinstance(text, dict) else ""
