"""Files that agents drop into a card's thread: fetched with the token while there is time, else named."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from connectors.slack.normalize import listed
from connectors.slack.payloads import File, read
from connectors.slack.webapi import FAILURES, SlackError, WebApi
from gateway.errors import InvalidPayload
from gateway.model import Attachment

#: Seconds for all files of one message: Slack wants its acknowledgment within three.
BUDGET = 1.5
UNHURRIED = 12.0  #: seconds where nobody waits for an acknowledgment
MAX_FETCHED = 5


async def fetch(
    files: Sequence[File], api: WebApi, limit: int, budget: float = BUDGET
) -> tuple[Attachment, ...]:
    """Each file with its content, or with the reason why it stayed in Slack. `limit`: bytes of one file."""
    asked = [_fetch(file, api, limit if n < MAX_FETCHED else 0, budget) for n, file in enumerate(files)]
    return tuple(await asyncio.gather(*asked))


async def by_id(ids: Sequence[str], api: WebApi, limit: int) -> tuple[Attachment, ...]:
    """Files that a form names, when nobody waits for an acknowledgment (files.info, then as `fetch`)."""
    known = await asyncio.gather(*(_info(each, api) for each in ids))
    return await fetch(known, api, limit, UNHURRIED)


async def _info(file_id: str, api: WebApi) -> File:
    try:
        answer = await api.form("files.info", {"file": file_id})
        return read(answer.get("file"), File)
    except (*FAILURES, InvalidPayload):
        return File(id=file_id)


async def _fetch(file: File, api: WebApi, limit: int, budget: float) -> Attachment:
    named = listed(file)
    if not file.url_private or file.mode in ("external", "tombstone", "hidden_by_limit"):
        return named
    if named.size > limit:
        return msgspec.structs.replace(named, skipped="too large; it is in Slack")
    try:
        content = await api.download(file.url_private, limit, budget)
    except FAILURES as error:
        return msgspec.structs.replace(named, skipped=_reason(error))
    return msgspec.structs.replace(named, content=content, size=len(content), skipped="")


def _reason(error: Exception) -> str:
    if isinstance(error, SlackError) and error.code == "too_large":
        return "too large; it is in Slack"
    return "could not be fetched; it is in Slack"
