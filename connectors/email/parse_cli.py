"""The lines of `deskgate mail parse FILE... --jsonl`: one JSON object a mail."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from connectors.email.parse import Mail, parse_mail


def mail_lines(paths: Iterable[str]) -> Iterator[str]:
    """One JSON line a file; "error" only when the file cannot be opened."""
    for path in paths:
        try:
            raw = Path(path).read_bytes()
        except OSError as error:
            yield _line({"file": path, "error": error.strerror or str(error)})
        else:
            yield _line({"file": path, **describe(parse_mail(raw))})


def describe(mail: Mail) -> dict[str, Any]:
    """The fields of the line for one mail."""
    bounce = mail.bounce
    return {
        "from_address": mail.from_address,
        "subject": mail.subject,
        "body": mail.body,
        "reply": mail.reply,
        "attachments": [
            {"filename": a.filename, "size": a.size, "skipped": a.skipped} for a in mail.attachments
        ],
        "in_reply_to": mail.in_reply_to,
        "references": mail.references,
        "auto_reply": mail.auto_reply,
        "bounce": bounce and {"permanent": bounce.permanent, "temporary": bounce.temporary},
        "defects": mail.defects,
    }


def _line(fields: dict[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()


def main(arguments: list[str]) -> None:
    """Write the lines for the files named; --jsonl is accepted and the only form."""
    for line in mail_lines(a for a in arguments if a != "--jsonl"):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
