"""Outgoing messages into Web API calls, and Slack's refusals into what the outbox can act upon."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from connectors.slack.blocks import MAX_BYTES, Block, context, fold, mrkdwn, pages, words
from connectors.slack.card import fallback, render
from connectors.slack.choices import keyboard
from connectors.slack.pace import Pace
from connectors.slack.places import beside, is_direct
from connectors.slack.queue_channels import QueueChannels
from connectors.slack.webapi import FAILURES, NotWritten, Silent, SlackError, WebApi
from gateway.clock import Clock
from gateway.connector import FileOf, content_of
from gateway.errors import Retryable, Uncertain, Undeliverable
from gateway.model import Address, Attachment, Outgoing, Post, Remove, Replace, SendKind, Sent
from gateway.overviews import Background
from gateway.text.markup import split

log = logging.getLogger(__name__)

#: What stands behind a ticket, as the place of its card may show it; None while nobody can say.
BackgroundAt = Callable[[int, Address], Awaitable[Background | None]]

#: Never turned into names, mentions or previews, whatever is in the text.
QUIET = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}

#: The calls that people see the effect of; one more upload that nobody shared shows nothing.
SHOWING = frozenset({"chat.postMessage", "files.completeUploadExternal"})
#: Slack's words for "not now" (docs.slack.dev/reference/methods/chat.postMessage, Errors).
LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
PASSING = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "accesslimited",
        "",
    }
)
#: Slack knows the app no more; every message would be refused.
BROKEN = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
BROKEN_WAIT = 60.0  #: seconds until the next try
REMEMBERED = 1000  #: messages of several parts of which some have left
REINSTALL = "Install the app again and put the new bot token into the environment."
#: Slack's words for "never", and what to do about it.
REMEDIES: dict[str, str] = {
    "channel_not_found": "Invite the app to the channel (/invite) or correct the channel id in config.toml.",
    "not_in_channel": "Invite the app to the channel (/invite).",
    "is_archived": "The channel is archived: unarchive it or name another in config.toml.",
    "restricted_action": "The workspace lets only some people post there: allow the app, or name another.",
    "restricted_action_read_only_channel": "The channel is read-only: allow the app to post, or name another.",
    "restricted_action_thread_locked": "The thread is locked: answer on the desk.",
    "invalid_auth": REINSTALL,
    "not_authed": REINSTALL,
    "account_inactive": f"The app was removed from the workspace. {REINSTALL}",
    "token_revoked": REINSTALL,
    "token_expired": REINSTALL,
    "missing_scope": "The app lacks a permission: paste the manifest of docs/slack.md and install it again.",
    "no_permission": "The app lacks a permission: paste the manifest of docs/slack.md and install it again.",
    "message_not_found": "Somebody deleted the message in Slack; the ticket is still on the desk.",
    "thread_not_found": "Somebody deleted the card in Slack; the ticket is still on the desk.",
    "cant_update_message": "The message is not the app's own; the ticket is still on the desk.",
    "edit_window_closed": "The workspace no longer lets this message be edited; see the desk.",
    "msg_too_long": "The message is longer than Slack takes; it is whole on the desk.",
    "msg_blocks_too_long": "The message is longer than Slack takes; it is whole on the desk.",
    "org_login_required": "The workspace is moving to an organisation: install the app again afterwards.",
    "ekm_access_denied": "The workspace's key administrators have suspended writing.",
    "team_access_not_granted": "The organisation's admins must allow the app in this workspace.",
}


class Sender:
    """Hands the outbox's messages to one workspace: cards and what is said below them, answers to customers."""

    def __init__(
        self,
        account: str,
        workspace: str,
        api: WebApi,
        file_of: FileOf,
        background: BackgroundAt,
        channels: QueueChannels,
        clock: Clock,
        speed: float = 1.0,
    ) -> None:
        self._account, self._workspace, self._api, self._file_of = account, workspace, api, file_of
        self._background = background
        self._channels, self._pace = channels, Pace(account, clock, speed)
        # What has left of a message of several parts, by outbox id: a second try sends only the rest.
        self._left: dict[int, list[str]] = {}

    async def send(self, outgoing: Outgoing) -> Sent:
        """Posts, replaces or removes. Raises Retryable, Undeliverable or Uncertain."""
        channel = outgoing.address.conversation
        await self._channels.check(channel)
        try:
            match outgoing:
                case Post():
                    return await self._post(outgoing)
                case Replace():
                    return await self._replace(outgoing)
                case Remove():
                    return await self._remove(outgoing)
        except FAILURES as error:
            again = isinstance(outgoing, Replace | Remove)  # twice is the same as once
            raise self._failure(error, channel, harmless=again) from error

    def _failure(self, error: Exception, channel: str, *, harmless: bool) -> Exception:
        found = failure(error, self._account, channel, harmless=harmless)
        if isinstance(error, SlackError) and isinstance(found, Retryable) and found.after is not None:
            self._pace.close(error.method, channel, found.after)
        return found

    async def _call(self, method: str, channel: str, body: dict[str, Any]) -> dict[str, Any]:
        await self._pace.turn(method, channel)
        return await self._api.call(method, body)

    async def _post(self, post: Post) -> Sent:
        files, lost = await self._contents(post)
        if post.card is not None:
            known = await self._background(post.ticket, post.address)
            blocks = [*render(post.card, known), *_named(post.attachments)]
            sent = await self._message(post, blocks, fallback(post.card))
            await self._add_files(post.address.conversation, sent, files)
            return sent
        if post.address.conversation not in self._channels:
            return await self._answer(post, files, lost)
        blocks, complete = spoken(post)
        if complete and not files:
            line = mrkdwn(f"{_speaker(post)} {post.text}", 1000)["text"]
            return await self._message(post, [*blocks, *_lost(lost)], line)
        if not complete:
            files.append(("whole-message.txt", post.text.encode()))
        body = {"channel_id": post.address.conversation, "initial_comment": comment(post, lost)}
        return await self._share(body, post.address.thread, files)

    async def _message(self, post: Post, blocks: list[Block], line: str) -> Sent:
        channel, thread = post.address.conversation, post.address.thread
        body: dict[str, Any] = {"channel": channel, **QUIET, "text": line, "blocks": blocks}
        if thread:
            body["thread_ts"] = thread
        sent = await self._call("chat.postMessage", channel, body)
        ts, place = str(sent.get("ts", "")), str(sent.get("channel") or channel)
        keys = [self._key(channel, ts)]
        if post.card is not None and place != channel:  # a person was written to: Slack says where that is
            keys.append(beside(replace(post.address, conversation=place, thread=ts)))
        return Sent(external_ids=(ts,), thread="" if thread else ts, keys=tuple(keys))

    def _key(self, channel: str, ts: str) -> str:
        return f"slack:{self._workspace}/{channel}/{ts}"

    async def _answer(self, post: Post, files: list[tuple[str, bytes]], lost: list[str]) -> Sent:
        """To a customer: as many messages as it takes, buttons below the last, files at the end."""
        address, parts = post.address, answers(post, lost)
        done = self._left.get(post.id, []) if post.id else []
        for number in range(len(done), len(parts) + bool(files)):
            if number < len(parts):
                line = mrkdwn(post.text if not number else "…", 1000)["text"]
                body = {"channel": address.conversation, **QUIET, "text": line, "blocks": parts[number]}
                where = {"thread_ts": address.thread} if address.thread else {}
                sent = await self._call("chat.postMessage", address.conversation, {**body, **where})
                done.append(str(sent.get("ts", "")))
            else:
                done += (
                    await self._share({"channel_id": address.conversation}, address.thread, files)
                ).external_ids
            self._remember(post.id, done, len(parts) + bool(files))
        keys = tuple(self._key(address.conversation, each) for each in done if "." in each)
        return Sent(external_ids=tuple(done), keys=keys)  # no thread: a direct conversation stays flat

    def _remember(self, post: int, done: list[str], parts: int) -> None:
        if not post:
            return
        self._left.pop(post, None)
        if len(done) < parts:
            self._left[post] = done
        while len(self._left) > REMEMBERED:
            del self._left[next(iter(self._left))]

    async def _share(self, body: dict[str, Any], thread: str, files: list[tuple[str, bytes]]) -> Sent:
        """Uploads unseen, then shows files and words in one call: a failure on the way shows nothing twice.

        Source: docs.slack.dev/messaging/working-with-files.
        """
        ids = [{"id": await self._upload(name, content), "title": name} for name, content in files]
        where = {"thread_ts": thread} if thread else {}
        method = "files.completeUploadExternal"
        await self._call(method, body["channel_id"], {**body, **where, "files": ids})
        return Sent(external_ids=tuple(each["id"] for each in ids))

    async def _upload(self, name: str, content: bytes) -> str:
        await self._pace.turn("files.getUploadURLExternal", "")
        asked = {"filename": name, "length": len(content)}
        place = await self._api.form("files.getUploadURLExternal", asked)
        await self._api.upload(str(place.get("upload_url", "")), content)
        return str(place.get("file_id", ""))

    async def _add_files(self, channel: str, card: Sent, files: list[tuple[str, bytes]]) -> None:
        """Into the new card's thread. The card stands and names them, so a failure here sends nothing again."""
        if not files:
            return
        try:
            await self._share({"channel_id": channel}, card.external_ids[0], files)
        except FAILURES as error:
            log.warning("slack files not added to card account=%s error=%s", self._account, error)

    async def _contents(self, post: Post) -> tuple[list[tuple[str, bytes]], list[str]]:
        """Name and bytes of each attachment, and the names of those that cannot be shown."""
        files: list[tuple[str, bytes]] = []
        lost: list[str] = []
        for each in post.attachments:
            content = await content_of(each, self._file_of)
            if content:
                files.append((each.filename or "file", content))
            else:
                lost.append(each.filename)
        return files, lost

    async def _replace(self, replace: Replace) -> Sent:
        channel, ts = replace.address.conversation, replace.address.thread
        body = {"channel": channel, "ts": ts, "parse": "none", "link_names": False}
        known = await self._background(replace.ticket, replace.address)
        shown = {"text": fallback(replace.card), "blocks": render(replace.card, known)}
        await self._call("chat.update", channel, {**body, **shown})
        return Sent(external_ids=(ts,))

    async def _remove(self, remove: Remove) -> Sent:
        try:
            await self._api.call(
                "chat.delete", {"channel": remove.address.conversation, "ts": remove.external_id}
            )
        except SlackError as error:
            if error.code != "message_not_found":  # gone already is what was wanted
                raise
        return Sent(external_ids=(remove.external_id,))


def answers(post: Post, lost: list[str]) -> list[list[Block]]:
    """What a customer reads, as the blocks of one message or several; an agent's begins with their name."""
    private_way = post.kind is not SendKind.AGENT and not is_direct(post.address.conversation, None)
    language = post.language
    last = keyboard(post.buttons, post.ticket, private_way=private_way, language=language)
    speaker = post.kind is SendKind.AGENT and post.author.strip()
    first = [context(f"**{words(post.author)}**")] if speaker else []
    messages = [[*first, *page] for page in pages(post.text)] if post.text.strip() else [first]
    messages[-1] += [*_lost(lost), *last]
    return [blocks for blocks in messages if blocks]


def spoken(post: Post) -> tuple[list[Block], bool]:
    """The blocks of something said in a card's thread, and whether all of it found a place."""
    blocks, complete = fold(post.text, MAX_BYTES)
    return [context(_speaker(post)), *blocks], complete


def comment(post: Post, lost: list[str]) -> str:
    """The words beside files: the start of a long text, whose whole is among the files."""
    text = (
        post.text
        if len(post.text) <= 3000
        else split(post.text[:2000], 700)[0] + "\n\n*(whole text attached)*"
    )
    gone = f"\n\n{_gone(lost)}" if lost else ""
    return str(mrkdwn(f"{_speaker(post)}\n\n{text}{gone}", 3900)["text"])


def failure(error: Exception, account: str, channel: str, *, harmless: bool) -> Exception:
    """What the outbox should know. `harmless`: doing it twice is the same as doing it once."""
    if isinstance(error, SlackError):
        return _refusal(error, account, channel)
    if isinstance(error, NotWritten):
        return Retryable(f"Slack could not be reached ({error}).", bucket=f"slack/{account}")
    if harmless or not (isinstance(error, Silent) and error.method in SHOWING):
        return Retryable(f"Slack did not answer ({error}).")
    return Uncertain(f"Slack fell silent while taking the message ({error}).")


def _refusal(error: SlackError, account: str, channel: str) -> Exception:
    # Slack limits posting per channel and everything else per method (docs.slack.dev/apis/web-api/rate-limits).
    limited = channel if error.method == "chat.postMessage" else error.method
    if error.status == 429 or error.code in LIMITED:
        return Retryable(
            f"Slack limits {error.method}.", after=error.after, bucket=f"slack/{account}/{limited}"
        )
    if error.code in BROKEN:
        # Nothing is lost by waiting: all of it goes as soon as the link is mended. The account's bucket says so.
        reason = f"The link to Slack is broken ({error.code}). {REMEDIES[error.code]}"
        return Retryable(reason, after=BROKEN_WAIT, bucket=f"slack/{account}")
    if error.status >= 500 or error.code in PASSING:
        return Retryable(f"Slack failed: {error}.", after=error.after)
    remedy = REMEDIES.get(error.code, "The ticket is still on the desk; answer there.")
    needed = f" (needs {error.needed})" if error.needed else ""
    return Undeliverable(error.code, f"Slack refused: {error.code}{needed}. {remedy}")


def _speaker(post: Post) -> str:
    role = {SendKind.ANSWER: "bot", SendKind.NOTICE: "", SendKind.AGENT: ""}[post.kind]
    name = f"**{words(post.author)}**" if post.author.strip() else ""
    return " · ".join(part for part in (name, role) if part) or "Deskgate"


def _named(files: tuple[Attachment, ...]) -> list[Block]:
    names = ", ".join(words(file.filename) for file in files[:20])
    return [context(f"Attached: {names}")] if names else []


def _lost(names: list[str]) -> list[Block]:
    return [context(_gone(names))] if names else []


def _gone(names: list[str]) -> str:
    return "Not kept: " + ", ".join(words(name) for name in names[:20])
