"""What messages are put together from: files, choices and their buttons."""

from __future__ import annotations

import msgspec

from gateway.model.choices import ChoiceAction


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that travels with a message. At the edge `content` holds it; once taken, `sha256` names it."""

    filename: str
    content_type: str = "application/octet-stream"
    size: int = 0  #: bytes
    sha256: str = ""  #: name of the sealed blob, "" when nothing was kept
    skipped: str = ""  #: why nothing was kept, "" when it was
    inline: bool = False
    content: bytes = b""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A button of ours that a requester pressed (or a typed number that means it)."""

    action: ChoiceAction
    value: str = ""
    ticket: int = 0  #: the ticket the button belonged to, 0 when the channel cannot tell


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """A choice offered to a requester; a channel without buttons shows it as a number."""

    label: str
    choice: Choice
    link: str = ""  #: a page that makes the same choice, for channels that can only show links
