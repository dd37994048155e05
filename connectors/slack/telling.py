"""Lines that one person sees: beside a channel's messages, or in place of a button that was pressed."""

from __future__ import annotations

import logging
from typing import Any

from connectors.slack.blocks import Block, mrkdwn, words
from connectors.slack.memory import Memory
from connectors.slack.webapi import FAILURES, WebApi

log = logging.getLogger(__name__)


async def whisper(
    api: WebApi,
    account: str,
    channel: str,
    user: str,
    line: str,
    *,
    thread: str = "",
    blocks: list[Block] | None = None,
) -> None:
    """A line that only this person sees (chat.postEphemeral). Losing it is logged and nothing worse."""
    body: dict[str, Any] = {"channel": channel, "user": user, "text": as_text(line)}
    if thread:
        body["thread_ts"] = thread
    if blocks:
        body["blocks"] = blocks
    if not channel:
        return
    try:
        await api.call("chat.postEphemeral", body)
    except FAILURES as error:
        log.warning("slack line not shown account=%s error=%s", account, error)


async def instead(
    api: WebApi,
    account: str,
    url: str,
    line: str,
    blocks: list[Block] | None = None,
    *,
    replace: bool = True,
) -> None:
    """This line where the pressed button was, or to the person alone; the response_url is good for half an hour."""
    how = {"replace_original": True} if replace else {"response_type": "ephemeral", "replace_original": False}
    body: dict[str, Any] = {**how, "text": as_text(line)}
    if blocks:
        body["blocks"] = blocks
    try:
        await api.respond(url, body)
    except FAILURES as error:
        log.warning("slack response_url failed account=%s error=%s", account, error)


def as_text(line: str) -> str:
    """A line as the text of a message: nothing in it is formatting, nothing pings."""
    return str(mrkdwn(words(line), 1000)["text"])


async def tell(
    api: WebApi, account: str, memory: Memory, user: str, line: str, blocks: list[Block] | None = None
) -> None:
    """A line for one person where they worked: beside the card, or in their own messages with the app."""
    if memory.channel:
        await whisper(api, account, memory.channel, user, line, thread=memory.thread, blocks=blocks)
        return
    body: dict[str, Any] = {"channel": user, "text": as_text(line)}
    if blocks:
        body["blocks"] = blocks
    try:
        await api.call("chat.postMessage", body)
    except FAILURES as error:
        log.warning("slack line not shown account=%s error=%s", account, error)
