"""Is a request really Slack's, and fresh? Asked before a single byte of it is parsed."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from gateway.clock import Clock

FRESH = 300  #: seconds that a request may be old, or our clock late


class Verifier:
    """Checks Slack's signature in constant time, and that it is at most five minutes old.

    Source: docs.slack.dev/authentication/verifying-requests-from-slack.
    """

    def __init__(self, signing_secret: str, clock: Clock) -> None:
        self._keyed, self._clock = hmac.new(signing_secret.encode(), digestmod="sha256"), clock

    def accepts(self, body: bytes, headers: Mapping[str, str]) -> bool:
        timestamp = headers.get("X-Slack-Request-Timestamp", "")
        signature = headers.get("X-Slack-Signature", "")
        # Digits only: int() also takes "+1", "1_0" and other scripts' digits, which Slack never sends.
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12 and signature.isascii()):
            return False
        if abs(self._clock.now().timestamp() - int(timestamp)) > FRESH:
            return False
        expected = self._keyed.copy()
        expected.update(b"v0:%b:%b" % (timestamp.encode(), body))
        return hmac.compare_digest(f"v0={expected.hexdigest()}", signature)
