"""A stand-in of Slack for tests: its Web API as documented (slack_posts.py is its other half).

Written from docs.slack.dev; the page is named at each route. Stricter than Slack where that finds mistakes:
arguments that a method does not document are refused, as is a token anywhere but in the header.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.clock import Clock
from tests.slack_limits import Invalid, check_home, check_message, check_modal

TOKEN = "xoxb-standin-1-secret"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM, BOT_USER, BOT = "T0HOME", "U0BOT", "B0BOT"
POSTING = {"channel", "text", "blocks", "thread_ts", "parse", "link_names"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What the next call of a method meets instead of its answer."""

    status: int = 200
    error: str = ""
    after: str = ""
    body: str = ""
    content_type: str = "application/json"
    silent: bool = False  # does its work, then never answers
    cut: bool = False  # does its work, then closes the connection


@dataclass(kw_only=True)
class Channel:
    id: str
    member: bool = True
    archived: bool = False


@dataclass(kw_only=True)
class Slack:
    """The state of one workspace. `calls` holds (method, arguments) in order."""

    clock: Clock
    api_url: str = ""
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    whispers: list[dict[str, Any]] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    triggers: set[str] = field(default_factory=set)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    shared: list[dict[str, Any]] = field(default_factory=list)
    stored_files: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of this method meet these, in order."""
        self.faults[method] += faults

    def add_user(self, user: str, name: str, **marks: Any) -> None:
        """Marks: is_restricted, is_ultra_restricted, is_stranger, deleted, is_bot, team_id."""
        profile = {"real_name": name, "display_name": name.split()[0]}
        self.users[user] = {"id": user, "team_id": TEAM, "real_name": name, "profile": profile, **marks}

    def add_file(self, name: str, content: bytes, mimetype: str = "image/png") -> dict[str, Any]:
        """A file that a person put into Slack (docs.slack.dev/reference/objects/file-object)."""
        made = {
            "id": f"F{self.number():08d}",
            "name": name,
            "mimetype": mimetype,
            "size": len(content),
            "mode": "hosted",
            "url_private": self.api_url.replace("/api/", f"/files/{name}"),
        }
        self.files[made["id"]], self.stored_files[name] = made, content
        return made

    def number(self) -> int:
        self.count += 1
        return self.count

    def new_ts(self) -> str:
        return f"{int(self.clock.now().timestamp())}.{self.number():06d}"

    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    def trigger(self) -> str:
        """A trigger_id, good for one form within three seconds."""
        trigger = f"{self.number()}.{TEAM}.trigger"
        self.triggers.add(trigger)
        return trigger


@asynccontextmanager
async def running(clock: Clock) -> AsyncIterator[Slack]:
    """A workspace behind a loopback address, with channel C0DESK and its members."""
    slack = Slack(clock=clock)
    slack.channels["C0DESK"] = Channel(id="C0DESK")
    slack.add_user("U0ANN", "Ann Agent")
    slack.add_user("U0BOB", "Bob Builder")
    runner = web.AppRunner(_application(slack), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.api_url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    try:
        yield slack
    finally:
        await runner.cleanup()


# ---------------------------------------------------------------- the Web API


class No(Exception):
    """ok: false with this error."""


Method = Callable[[Slack, dict[str, Any]], dict[str, Any]]


def _application(slack: Slack) -> web.Application:
    app = web.Application(client_max_size=100_000_000)

    async def api(request: web.Request) -> web.StreamResponse:
        return await _answer(slack, request)

    async def upload(request: web.Request) -> web.StreamResponse:
        assert "Authorization" not in request.headers, "the upload address needs no token"
        slack.uploads[request.match_info["id"]]["content"] = await request.read()
        return web.Response(text="OK - 5")

    async def download(request: web.Request) -> web.StreamResponse:
        # docs.slack.dev/reference/objects/file-object: url_private needs the token in the header.
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=302, headers={"Location": "/login"})
        return web.Response(body=slack.stored_files[request.match_info["name"]])

    async def response(request: web.Request) -> web.StreamResponse:
        # docs.slack.dev/interactivity/handling-user-interaction, "Message responses".
        assert "Authorization" not in request.headers
        slack.responses.append(await request.json())
        return web.Response(text="ok")

    app.router.add_post("/api/{method}", api)
    app.router.add_post("/upload/{id}", upload)
    app.router.add_get("/files/{name}", download)
    app.router.add_post("/response", response)
    return app


async def _answer(slack: Slack, request: web.Request) -> web.StreamResponse:
    method = request.match_info["method"]
    arguments = await _arguments(request)
    slack.calls.append((method, arguments))
    fault = slack.faults[method].pop(0) if slack.faults[method] else None
    if fault and not (fault.silent or fault.cut):
        return _faulty(fault)
    said = _perform(slack, request, method, arguments)
    if fault and fault.silent:
        await asyncio.sleep(60)
    if fault and fault.cut and request.transport:
        request.transport.close()
    return web.json_response(said)


def _faulty(fault: Fault) -> web.Response:
    headers = {"Retry-After": fault.after} if fault.after else {}
    body = fault.body or json.dumps({"ok": False, "error": fault.error})
    return web.Response(status=fault.status, text=body, content_type=fault.content_type, headers=headers)


async def _arguments(request: web.Request) -> dict[str, Any]:
    """docs.slack.dev/apis/web-api, "POST bodies": a form, or JSON with the token in the header."""
    if request.content_type == "application/json":
        return dict(await request.json())
    return {name: str(value) for name, value in (await request.post()).items()}


def _perform(slack: Slack, request: web.Request, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    known = METHODS.get(method)
    if known is None:
        return {"ok": False, "error": "unknown_method"}
    names, only_form, act = known
    assert "token" not in arguments and "token" not in request.query, "the token belongs in the header"
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return {"ok": False, "error": "invalid_auth"}
    if set(arguments) - names:
        return {"ok": False, "error": "invalid_arg_name", "unknown": sorted(set(arguments) - names)}
    if only_form and request.content_type == "application/json":
        return {"ok": False, "error": "invalid_arguments"}
    try:
        return {"ok": True, **act(slack, arguments)}
    except No as no:
        return {"ok": False, "error": str(no)}
    except Invalid as invalid:
        metadata = {"messages": [invalid.message]}
        return {"ok": False, "error": invalid.code, "response_metadata": metadata}


def _auth_test(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "team": "Home",
        "url": "https://home.slack.com/",
    }


def _post_message(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    channel = _channel(slack, given)
    _content(given)
    thread = given.get("thread_ts")
    if thread and (channel, thread) not in slack.messages:
        raise No("thread_not_found")
    ts = slack.new_ts()
    slack.messages[(channel, ts)] = {**given, "ts": ts, "user": BOT_USER, "bot_id": BOT}
    return {"channel": channel, "ts": ts, "message": slack.messages[(channel, ts)]}


def _update(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    channel = _channel(slack, given)
    _content(given)
    if (channel, given.get("ts")) not in slack.messages:
        raise No("message_not_found")
    slack.messages[(channel, given["ts"])].update(given)
    return {"channel": channel, "ts": given["ts"], "text": given.get("text", "")}


def _delete(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    channel = _channel(slack, given)
    if slack.messages.pop((channel, given.get("ts", "")), None) is None:
        raise No("message_not_found")
    return {"channel": channel, "ts": given["ts"]}


def _post_ephemeral(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    _channel(slack, given)
    _content(given)
    if given.get("user") not in slack.users:
        raise No("user_not_in_channel")
    ts = slack.new_ts()
    slack.whispers.append({**given, "message_ts": ts})
    return {"message_ts": ts}


def _users_info(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("user") not in slack.users:
        raise No("user_not_found")
    return {"user": slack.users[given["user"]]}


def _conversations_info(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    channel = slack.channels.get(given.get("channel", ""))
    if channel is None:
        raise No("channel_not_found")
    return {"channel": {"id": channel.id, "is_member": channel.member, "is_archived": channel.archived}}


def _views_open(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("trigger_id") not in slack.triggers:
        raise No("invalid_trigger_id")
    slack.triggers.discard(given["trigger_id"])
    check_modal(given["view"])
    view = {**given["view"], "id": f"V{slack.number():05d}", "hash": f"h{slack.number()}"}
    slack.views[view["id"]] = view
    return {"view": view}


def _views_update(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    current = slack.views.get(given.get("view_id", ""))
    if current is None:
        raise No("not_found")
    if "hash" in given and given["hash"] != current["hash"]:
        raise No("hash_conflict")
    check_modal(given["view"])
    view = {**given["view"], "id": current["id"], "hash": f"h{slack.number()}"}
    slack.views[view["id"]] = view
    return {"view": view}


def _views_publish(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("user_id") not in slack.users:
        raise No("user_not_found")
    current = slack.homes.get(given["user_id"])
    if "hash" in given and current and given["hash"] != current["hash"]:
        raise No("hash_conflict")
    check_home(given["view"])
    view = {**given["view"], "id": f"V{slack.number():05d}", "hash": f"h{slack.number()}"}
    slack.homes[given["user_id"]] = view
    return {"view": view}


def _files_info(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("file") not in slack.files:
        raise No("file_not_found")
    return {"file": slack.files[given["file"]]}


def _upload_url(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    if not given.get("filename") or not given.get("length", "").isdigit() or int(given["length"]) < 1:
        raise No("invalid_arguments")
    file_id = f"F{slack.number():05d}"
    slack.uploads[file_id] = {"filename": given["filename"], "length": int(given["length"])}
    return {"upload_url": slack.api_url.replace("/api/", f"/upload/{file_id}"), "file_id": file_id}


def _complete_upload(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    _channel(slack, {"channel": given.get("channel_id")})
    for each in given["files"]:
        upload = slack.uploads.get(each["id"], {})
        if len(upload.get("content", b"")) != upload.get("length"):
            raise No("file_update_failed")
    slack.shared.append(given)
    return {"files": given["files"]}


def _channel(slack: Slack, given: dict[str, Any]) -> str:
    name = given.get("channel") or ""
    if name in slack.users:  # docs.slack.dev/reference/methods/chat.postMessage, "App user access"
        return name
    channel = slack.channels.get(name)
    if channel is None:
        raise No("channel_not_found")
    if channel.archived:
        raise No("is_archived")
    if not channel.member:
        raise No("not_in_channel")
    return channel.id


def _content(given: dict[str, Any]) -> None:
    """docs.slack.dev/reference/methods/chat.postMessage: text is cut after 40,000 characters."""
    if not given.get("text") and not given.get("blocks"):
        raise No("no_text")
    if len(given.get("text", "")) > 40_000:
        raise No("msg_too_long")
    if "blocks" in given:
        check_message(given["blocks"])


#: method -> (documented arguments that we may use, takes a form only, what it does).
#: Each is documented at docs.slack.dev/reference/methods/<method>.
METHODS: dict[str, tuple[set[str], bool, Method]] = {
    "auth.test": (set(), False, _auth_test),
    "chat.postMessage": (
        POSTING | {"unfurl_links", "unfurl_media", "reply_broadcast", "metadata", "mrkdwn"},
        False,
        _post_message,
    ),
    "chat.update": ({"channel", "ts", "text", "blocks", "parse", "link_names", "metadata"}, False, _update),
    "chat.delete": ({"channel", "ts"}, False, _delete),
    "chat.postEphemeral": (POSTING | {"user"}, False, _post_ephemeral),
    "users.info": ({"user", "include_locale"}, True, _users_info),
    "conversations.info": ({"channel", "include_locale", "include_num_members"}, True, _conversations_info),
    "views.open": ({"trigger_id", "view", "interactivity_pointer"}, False, _views_open),
    "views.update": ({"view", "view_id", "external_id", "hash"}, False, _views_update),
    "views.publish": ({"user_id", "view", "hash"}, False, _views_publish),
    "files.info": ({"file", "count", "cursor", "limit", "page"}, True, _files_info),
    "files.getUploadURLExternal": ({"filename", "length", "alt_txt", "snippet_type"}, True, _upload_url),
    "files.completeUploadExternal": (
        {"files", "channel_id", "channels", "thread_ts", "initial_comment", "blocks"},
        False,
        _complete_upload,
    ),
}
