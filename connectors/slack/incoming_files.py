"""Files that people drop into a message: fetched with the token; a slow one is ready when Slack delivers again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from connectors.slack.normalize import listed
from connectors.slack.payloads import File, read
from connectors.slack.webapi import FAILURES, TOTAL, SlackError, WebApi
from gateway.errors import InvalidPayload
from gateway.model import Attachment

#: Seconds for all files of one message: Slack wants its acknowledgment within three.
BUDGET = 1.5
MAX_FETCHED = 10
#: Deliveries of a message that wait for its files; after that it is kept without those that are not there yet.
PATIENCE = 3
_REMEMBERED = 100
#: File modes that hold nothing to fetch (docs.slack.dev/reference/objects/file-object).
ELSEWHERE = ("external", "tombstone", "hidden_by_limit")


class Files:
    """The files of one workspace's messages. `limit`: bytes of one file."""

    def __init__(self, api: WebApi, limit: int) -> None:
        self._api, self._limit = api, limit
        self._fetching: dict[str, asyncio.Task[tuple[Attachment, ...]]] = {}
        self._asked: dict[str, int] = {}

    async def of(
        self, message: str, files: Sequence[File], *, patient: bool
    ) -> tuple[Attachment, ...] | None:
        """The message's files with their content, or with the reason why they stayed in Slack.

        None while they are still on their way and Slack may well deliver once more (`patient`).
        """
        if not files:
            return ()
        task = self._task(message, files)
        await asyncio.wait([task], timeout=BUDGET)
        if task.done():
            self._forget(message)
            return task.result()
        self._asked[message] = self._asked.get(message, 0) + 1
        if patient and self._asked[message] < PATIENCE:
            return None
        self._forget(message)
        task.cancel()
        late = "could not be fetched in time; it is in Slack"
        return tuple(msgspec.structs.replace(listed(file), skipped=late) for file in files)

    async def close(self) -> None:
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _task(self, message: str, files: Sequence[File]) -> asyncio.Task[tuple[Attachment, ...]]:
        if message not in self._fetching:
            while len(self._fetching) >= _REMEMBERED:
                self._fetching.pop(next(iter(self._fetching))).cancel()
            self._fetching[message] = asyncio.create_task(self._all(files))
        return self._fetching[message]

    def _forget(self, message: str) -> None:
        self._fetching.pop(message, None)
        self._asked.pop(message, None)

    async def _all(self, files: Sequence[File]) -> tuple[Attachment, ...]:
        asked = [self.one(file, self._limit if n < MAX_FETCHED else 0) for n, file in enumerate(files)]
        return tuple(await asyncio.gather(*asked))

    async def one(self, file: File, limit: int | None = None) -> Attachment:
        """A file with its content, or with the reason why it stayed in Slack."""
        limit = self._limit if limit is None else limit
        file = await self._described(file)
        named = listed(file)
        if not file.url_private or file.mode in ELSEWHERE:
            return named
        if named.size > limit:
            return msgspec.structs.replace(named, skipped="too large; it is in Slack")
        try:
            content = await self._api.download(file.url_private, limit, TOTAL)
        except FAILURES as error:
            return msgspec.structs.replace(named, skipped=_reason(error))
        return msgspec.structs.replace(named, content=content, size=len(content), skipped="")

    async def _described(self, file: File) -> File:
        """Files of shared channels, and of mentions, come as ids that must be asked about.

        Source: docs.slack.dev/reference/methods/files.info and docs.slack.dev/apis/slack-connect, "Files".
        """
        if not file.id or (file.url_private and file.file_access != "check_file_info"):
            return file
        try:
            answer = await self._api.form("files.info", {"file": file.id})
            return read(answer.get("file"), File)
        except (*FAILURES, InvalidPayload):
            return file


async def by_id(ids: Sequence[str], api: WebApi, limit: int) -> tuple[Attachment, ...]:
    """Files that a form names, when nobody waits for an acknowledgment."""
    files = Files(api, limit)
    return tuple(await asyncio.gather(*(files.one(File(id=each)) for each in ids[:MAX_FETCHED])))


def _reason(error: Exception) -> str:
    if isinstance(error, SlackError) and error.code == "too_large":
        return "too large; it is in Slack"
    return "could not be fetched; it is in Slack"
