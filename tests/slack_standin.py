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
from tests.slack_links import Links
from tests.slack_scopes import SCOPES, needed_scope

TOKEN = "xoxb-standin-1-secret"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
APP_TOKEN = "xapp-1-standin-secret"
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
    channel: str = ""  # only calls about this channel meet it, "" for any


@dataclass(kw_only=True)
class Channel:
    """A conversation (docs.slack.dev/reference/objects/conversation-object); an id with D is a direct one."""

    id: str
    member: bool = True
    archived: bool = False
    private: bool = False
    shared: bool = False  # with another organisation
    user: str = ""  # the other side of a direct one

    @property
    def kind(self) -> str:
        """channel_type of the events about it."""
        return "im" if self.id.startswith("D") else "group" if self.private else "channel"

    def object(self) -> dict[str, Any]:
        direct = self.kind == "im"
        shown = {"id": self.id, "is_im": direct, "is_archived": self.archived, "is_ext_shared": self.shared}
        if direct:
            return {**shown, "user": self.user}
        return {**shown, "is_member": self.member, "is_private": self.private, "is_mpim": False}


@dataclass(kw_only=True)
class Slack:
    """The state of one workspace. `calls` holds (method, arguments) in order."""

    clock: Clock
    api_url: str = ""
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=lambda: {TEAM: "Home"})
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    limits: dict[str, float] = field(default_factory=dict)  # method -> seconds between two calls
    last: dict[tuple[str, str], float] = field(default_factory=dict)
    links: Links = field(default_factory=lambda: Links())
    whispers: list[dict[str, Any]] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    triggers: set[str] = field(default_factory=set)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    shared: list[dict[str, Any]] = field(default_factory=list)
    stored_files: dict[str, bytes] = field(default_factory=dict)
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)  # of each call, seconds
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0
    newest: int = 0

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of this method meet these, in order."""
        self.faults[method] += faults

    def fault_for(self, method: str, given: dict[str, Any]) -> Fault | None:
        """The next fault that this call meets; it is used up."""
        waiting = self.faults[method]
        found = next((f for f in waiting if f.channel in ("", given.get("channel"))), None)
        if found:
            waiting.remove(found)
        return found

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

    def add_direct(self, channel: str, user: str) -> None:
        self.channels[channel] = Channel(id=channel, user=user)

    def number(self) -> int:
        self.count += 1
        return self.count

    def new_ts(self) -> str:
        """The time in microseconds, as Slack names messages; no two are the same."""
        self.newest = max(self.newest + 1, int(self.clock.now().timestamp() * 1_000_000))
        return f"{self.newest // 1_000_000}.{self.newest % 1_000_000:06d}"

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

    async def socket(request: web.Request) -> web.StreamResponse:
        return await slack.links.serve(request)

    app.router.add_get("/link/{ticket}", socket)
    app.router.add_post("/api/{method}", api)
    app.router.add_post("/upload/{id}", upload)
    app.router.add_get("/files/{name}", download)
    app.router.add_post("/response", response)
    return app


async def _answer(slack: Slack, request: web.Request) -> web.StreamResponse:
    method = request.match_info["method"]
    arguments = await _arguments(request)
    slack.calls.append((method, arguments))
    slack.moments.append(slack.clock.now().timestamp())
    fault = slack.fault_for(method, arguments)
    if fault and not (fault.silent or fault.cut):
        return _faulty(fault)
    if (wait := _too_fast(slack, method, arguments)) > 0:
        return _faulty(Fault(status=429, error="ratelimited", after=str(max(1, round(wait)))))
    said = _perform(slack, request, method, arguments)
    if fault and fault.silent:
        await asyncio.sleep(60)
    if fault and fault.cut and request.transport:
        request.transport.close()
    # docs.slack.dev/authentication/installing-with-oauth: the granted scopes come with each answer.
    return web.json_response(said, headers={"X-OAuth-Scopes": ",".join(sorted(slack.scopes))})


def _too_fast(slack: Slack, method: str, arguments: dict[str, Any]) -> float:
    """docs.slack.dev/apis/web-api/rate-limits: posting is limited for each channel, all else for each method."""
    gap = slack.limits.get(method, 0)
    place = (method, str(arguments.get("channel", "")) if method == "chat.postMessage" else "")
    now = slack.clock.now().timestamp()
    wait = slack.last.get(place, -1e9) + gap - now
    if wait <= 0:
        slack.last[place] = now
    return wait


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
    token = APP_TOKEN if method == "apps.connections.open" else TOKEN
    if request.headers.get("Authorization") != f"Bearer {token}":
        return {"ok": False, "error": "invalid_auth"}
    needed = needed_scope(slack, method, arguments)
    if needed and needed not in slack.scopes:
        return {
            "ok": False,
            "error": "missing_scope",
            "needed": needed,
            "provided": ",".join(sorted(slack.scopes)),
        }
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
    slack.links.own_message(slack, channel, slack.messages[(channel, ts)])
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
    return {"channel": channel.object()}


def _conversations_open(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    user = given.get("users", "")
    if user not in slack.users:
        raise No("user_not_found")
    known = next((c.id for c in slack.channels.values() if c.user == user), None)
    if known is None:
        known = f"D0{user.removeprefix('U0')}"
        slack.add_direct(known, user)
    return {"channel": {"id": known}}


def _users_conversations(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    wanted = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
    kinds = {wanted[name] for name in given.get("types", "public_channel").split(",")}
    found = [c.object() for c in slack.channels.values() if c.member and c.kind in kinds]
    return _page(found, "channels", given)


def _history(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    """Newest first; without `inclusive` the bounds themselves are left out."""
    channel = _channel(slack, given)
    said = [m for (place, _), m in slack.messages.items() if place == channel and not _is_reply(m)]
    return _page(_between(said, given)[::-1], "messages", given)


def _replies(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    """Oldest first, the thread's first message always among them."""
    channel, thread = _channel(slack, given), given.get("ts", "")
    if (channel, thread) not in slack.messages:
        raise No("thread_not_found")
    said = [
        m for (place, _), m in slack.messages.items() if place == channel and m.get("thread_ts") == thread
    ]
    root = slack.messages[(channel, thread)]
    return _page([root, *(m for m in _between(said, given) if m["ts"] != thread)], "messages", given)


def _is_reply(message: dict[str, Any]) -> bool:
    return message.get("thread_ts") not in (None, message["ts"])


def _between(messages: list[dict[str, Any]], given: dict[str, Any]) -> list[dict[str, Any]]:
    oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
    whole = given.get("inclusive") == "true"
    ordered = sorted(messages, key=lambda message: float(message["ts"]))
    return [
        m
        for m in ordered
        if oldest < float(m["ts"]) < latest or (whole and float(m["ts"]) in (oldest, latest))
    ]


def _page(found: list[dict[str, Any]], name: str, given: dict[str, Any]) -> dict[str, Any]:
    """docs.slack.dev/apis/web-api/pagination."""
    start, limit = int(given.get("cursor") or 0), int(given.get("limit") or 100)
    if not 1 <= limit <= 999:
        raise No("invalid_limit")
    more = str(start + limit) if start + limit < len(found) else ""
    return {name: found[start : start + limit], "response_metadata": {"next_cursor": more}}


def _files_info(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("file") not in slack.files:
        raise No("file_not_found")
    return {"file": slack.files[given["file"]]}


def _team_info(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    team = given.get("team", TEAM)
    if team not in slack.teams:
        raise No("team_not_found")
    return {"team": {"id": team, "name": slack.teams[team]}}


def _connections_open(slack: Slack, given: dict[str, Any]) -> dict[str, Any]:
    base = slack.api_url.replace("http://", "ws://").replace("/api/", "/link/")
    return {"url": base + slack.links.ticket()}


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
        direct = next((c.id for c in slack.channels.values() if c.user == name), f"D{name}")
        slack.channels.setdefault(direct, Channel(id=direct, user=name))
        return direct
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
    "conversations.open": ({"users", "channel", "return_im", "prevent_creation"}, False, _conversations_open),
    "conversations.history": (
        {"channel", "oldest", "latest", "inclusive", "limit", "cursor", "include_all_metadata"},
        True,
        _history,
    ),
    "conversations.replies": (
        {"channel", "ts", "oldest", "latest", "inclusive", "limit", "cursor", "include_all_metadata"},
        True,
        _replies,
    ),
    "users.conversations": (
        {"types", "exclude_archived", "limit", "cursor", "user", "team_id"},
        True,
        _users_conversations,
    ),
    "team.info": ({"team", "domain"}, True, _team_info),
    "apps.connections.open": (set(), False, _connections_open),
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
