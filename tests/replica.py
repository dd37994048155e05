"""`deskgate` as it is, with the test's own channel and a clock that may go wrong: python -m tests.replica serve …"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta

import gateway.app
import gateway.startup
from connectors import REGISTRY
from gateway.cli import main
from gateway.clock import SystemClock

#: Seconds by which this replica's clock is ahead.
SKEW = "REPLICA_CLOCK_AHEAD"


class WrongClock(SystemClock):
    """The machine's clock, and a minute or so beside it."""

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=float(os.environ.get(SKEW, "0")))


if __name__ == "__main__":
    REGISTRY["peer"] = "tests.peer:PeerConnector"
    gateway.app.SystemClock = gateway.startup.SystemClock = WrongClock  # type: ignore[misc]
    sys.exit(main())
