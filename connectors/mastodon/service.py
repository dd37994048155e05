"""The library's calls, one at a time and off the event loop, with its errors in the outbox's words."""

from __future__ import annotations

import asyncio
import functools
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from mastodon import Mastodon as Client
from mastodon.errors import (
    MastodonAPIError,
    MastodonError,
    MastodonIllegalArgumentError,
    MastodonNetworkError,
    MastodonRatelimitError,
    MastodonReadTimeout,
    MastodonServerError,
    MastodonUnauthorizedError,
)

from connectors.mastodon.media import File, Limits, read_limits
from connectors.mastodon.settings import Settings
from gateway.clock import Clock
from gateway.errors import DeskgateError, Retryable, Uncertain, Undeliverable

T = TypeVar("T")

#: Seconds that one call may take.
TIMEOUT = 20
#: Seconds to wait when the server names no time (docs.joinmastodon.org/api/rate-limits: five minutes at most).
LIMITED = 60.0
#: Notifications of one page (docs.joinmastodon.org/methods/notifications#get: 40 by default, 80 at most).
PAGE = 40
#: Looks at a film that the server still works on, and seconds between them.
LOOKS, LOOK_EVERY = 20, 2.0


class Unreadable(DeskgateError):
    """The server did not give its news; it is asked again."""


class Service:
    """One account on its server. The library keeps one connection, so calls take turns."""

    def __init__(self, account: str, settings: Settings, clock: Clock) -> None:
        self._bucket, self._clock = f"mastodon/{account}", clock
        self._client = Client(
            access_token=settings.access_token.get_secret_value(),
            api_base_url=settings.server,
            ratelimit_method="throw",
            request_timeout=TIMEOUT,
            version_check_mode="none",
            user_agent="deskgate",
        )
        self._turn = asyncio.Lock()
        self._limits: Limits | None = None

    async def own_id(self) -> str:
        """docs.joinmastodon.org/methods/accounts#verify_credentials. Raises Unreadable."""
        return str((await self._read(self._client.account_verify_credentials))["id"])

    async def news(self, after: str) -> list[dict[str, Any]]:
        """Mentions after this notification, oldest first; the newest alone for "". Raises Unreadable.

        docs.joinmastodon.org/methods/notifications#get: `min_id` gives those immediately newer, newest first.
        """
        given: dict[str, Any] = {"min_id": after, "limit": PAGE} if after else {"limit": 1}
        found = await self._read(functools.partial(self._client.notifications, types=["mention"], **given))
        # The library's own types are for reading with dots; what is kept is what was sent.
        return [json.loads(json.dumps(each, default=_plain)) for each in reversed(found)]

    async def limits(self) -> Limits:
        """docs.joinmastodon.org/methods/instance#v2, asked once. Raises like Connector.send."""
        if self._limits is None:
            self._limits = read_limits(await self._sent(self._client.instance_v2))
        return self._limits

    async def upload(self, file: File) -> str:
        """docs.joinmastodon.org/methods/media#v2; its id once it is ready. Raises like Connector.send."""
        limits = await self.limits()
        call = functools.partial(
            self._client.media_post,
            io.BytesIO(file.data),
            mime_type=file.listed.content_type,
            description=file.listed.filename[: limits.description],
            file_name=file.listed.filename,
        )
        made = await self._sent(call)
        for _ in range(LOOKS):
            if made["url"]:
                return str(made["id"])
            await asyncio.sleep(LOOK_EVERY)
            made = await self._sent(functools.partial(self._client.media, made["id"]))
        raise Retryable("Mastodon is not done with a file yet.")

    async def post(
        self,
        text: str,
        *,
        reply_to: str,
        visibility: str,
        language: str,
        key: str,
        media: Sequence[str] = (),
    ) -> str:
        """docs.joinmastodon.org/methods/statuses#create; the id of the post. Raises like Connector.send."""
        call = functools.partial(
            self._client.status_post,
            text,
            in_reply_to_id=reply_to or None,
            visibility=visibility,
            language=language.partition("-")[0],
            idempotency_key=key,
            media_ids=list(media) or None,
        )
        return str((await self._sent(call))["id"])

    async def _sent(self, call: Callable[[], T]) -> T:
        """A call by which something is sent, with its errors in the outbox's words."""
        try:
            return await self._in_turn(call)
        except MastodonRatelimitError as error:
            raise Retryable("Mastodon limits posting.", after=self._wait(), bucket=self._bucket) from error
        except MastodonUnauthorizedError as error:
            raise Retryable("Mastodon does not accept the access token.", bucket=self._bucket) from error
        except MastodonServerError as error:
            raise Retryable("The Mastodon server is in trouble.") from error
        except MastodonReadTimeout as error:
            raise Uncertain("The Mastodon server fell silent.") from error
        except MastodonNetworkError as error:
            raise Retryable("The Mastodon server cannot be reached.") from error
        except (MastodonAPIError, MastodonIllegalArgumentError) as error:
            status = error.args[1] if len(error.args) > 1 else "an error"
            raise Undeliverable("refused", f"Mastodon answered {status}.") from error

    async def _read(self, call: Callable[[], T]) -> T:
        try:
            return await self._in_turn(call)
        except MastodonError as error:
            raise Unreadable(type(error).__name__) from error

    async def _in_turn(self, call: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(call)

    def _wait(self) -> float:
        reset = float(getattr(self._client, "ratelimit_reset", 0) or 0)
        left = reset - self._clock.now().timestamp()
        return left if 0 < left < 3600 else LIMITED


def _plain(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
