"""Log lines: one an outcome, structured, with ticket id and connector; never message text, addresses or secrets."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from typing_extensions import override

#: What a log record always has; anything else came by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: Libraries whose INFO lines hold addresses or tokens.
_QUIET = ("httpx", "mail.log", "aiohttp.access", "slack_bolt", "slack_sdk", "imapclient", "watchfiles")


class Lines(logging.Formatter):
    """`12:00:01 INFO deskgate.outbox sent ticket=4 connector=email`, or the same as one JSON object."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._json = form == "json"

    @override
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        if self._json:
            head = {
                "at": at.isoformat(timespec="milliseconds"),
                "level": record.levelname,
                "logger": record.name,
            }
            tail = {"trace": trace} if trace else {}
            return json.dumps({**head, "event": record.getMessage(), **extra, **tail}, default=str)
        told = "".join(f" {name}={value}" for name, value in extra.items())
        line = f"{at:%H:%M:%S} {record.levelname:7} {record.name} {record.getMessage()}{told}"
        return f"{line}\n{trace}" if trace else line


def set_up(form: str) -> None:
    """Sends every log line to standard error in this form."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(form))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
