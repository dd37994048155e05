"""Is a request really Slack's, and fresh? Asked before a single byte of it is parsed."""

from __future__ import annotations

from collections.abc import Mapping

from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier

from gateway.clock import Clock


class _Seconds(SlackClock):
    """The gateway's clock in the words of Slack's verifier."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:  # type: ignore[explicit-override]  # typing.override is of 3.12
        return self._clock.now().timestamp()


class Verifier:
    """Checks Slack's signature in constant time, and that it is at most five minutes old.

    Source: docs.slack.dev/authentication/verifying-requests-from-slack.
    """

    def __init__(self, signing_secret: str, clock: Clock) -> None:
        self._verifier = SignatureVerifier(signing_secret, _Seconds(clock))

    def accepts(self, body: bytes, headers: Mapping[str, str]) -> bool:
        timestamp = headers.get("X-Slack-Request-Timestamp", "")
        signature = headers.get("X-Slack-Signature", "")
        # Digits only: int() also takes "+1", "1_0" and other scripts' digits, which Slack never sends.
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12 and signature.isascii()):
            return False
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:  # the SDK signs text; Slack sends only UTF-8
            return False
