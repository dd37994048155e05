"""What a message is before anybody reads it: an ordered table of small checks, the first that speaks decides."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from gateway.model import Message
from gateway.policy import Policy


class Verdict(StrEnum):
    """What to do with the message."""

    IGNORE = "ignore"  # counted, and nothing else
    QUARANTINE = "quarantine"  # kept where an agent can release it
    BOUNCE = "bounce"  # belongs to the reply that came back
    QUIET = "quiet"  # becomes part of a ticket, but nothing automatic answers it


class Screened(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict and the check that gave it."""

    verdict: Verdict
    check: str
    reason: str


#: Endings of programs, of what runs when it is opened, and of archives that hide both.
DANGEROUS = frozenset(
    "exe scr com bat cmd pif cpl dll msi msp msix jar js jse vbs vbe wsf wsh hta ps1 lnk reg chm apk dmg pkg".split()  # noqa: SIM905
    + "app deb rpm sh iso img vhd vhdx one xll docm dotm xlsm xltm pptm ppam".split()  # noqa: SIM905
    + "zip zipx rar 7z ace arj lzh cab gz tgz bz2 xz tar z".split()  # noqa: SIM905
)
DANGEROUS_TYPES = frozenset(
    f"application/{kind}"
    for kind in (
        *("x-msdownload", "x-dosexec", "x-msdos-program", "java-archive", "x-sh", "hta", "x-ms-shortcut"),
        *("zip", "x-zip-compressed", "x-rar", "vnd.rar", "x-7z-compressed"),
    )
)

Check = Callable[[Message, Policy], Screened | None]


def own(message: Message, policy: Policy) -> Screened | None:
    """Our own mail come back, or one of our mailboxes writing to another."""
    if message.automatic == "own" or policy.is_ours(message.sender):
        return Screened(verdict=Verdict.IGNORE, check="own", reason="It came from ourselves.")
    return None


def blocked(message: Message, policy: Policy) -> Screened | None:
    """A sender on the block list."""
    value = message.sender.value
    domain = value.rpartition("@")[2]
    if value in policy.blocked or f"@{domain}" in policy.blocked:
        return Screened(
            verdict=Verdict.QUARANTINE, check="blocked", reason="The sender is on the block list."
        )
    return None


def dangerous(message: Message, policy: Policy) -> Screened | None:
    """An archive or a program from somebody who never wrote before, or whose address is forged."""
    for file in message.attachments if message.sender.kind == "email" else ():
        ending = file.filename.lower().rstrip(". ").rpartition(".")[2]
        if ending in DANGEROUS or file.content_type.lower() in DANGEROUS_TYPES:
            why = f"A stranger sent a file that may do harm (.{ending})."
            return Screened(verdict=Verdict.QUARANTINE, check="dangerous", reason=why)
    return None


def bounce(message: Message, policy: Policy) -> Screened | None:
    """A mail server reports that a mail of ours did not arrive."""
    if message.bounce is not None and message.imported:
        return Screened(verdict=Verdict.IGNORE, check="bounce", reason="A report from before our time.")
    if message.bounce is not None:
        return Screened(verdict=Verdict.BOUNCE, check="bounce", reason="A mail server's report.")
    return None


def automatic(message: Message, policy: Policy) -> Screened | None:
    """A machine or a list wrote it: people may read it, nothing automatic answers it."""
    if message.automatic:
        return Screened(
            verdict=Verdict.QUIET, check="automatic", reason=f"A machine wrote it ({message.automatic})."
        )
    return None


def unreadable(message: Message, policy: Policy) -> Screened | None:
    """What could not be read goes to people with the original."""
    if message.unreadable and not message.text.strip():
        return Screened(verdict=Verdict.QUIET, check="unreadable", reason=message.unreadable)
    return None


def empty(message: Message, policy: Policy) -> Screened | None:
    """Nothing was said: no words, no file, no button, no address."""
    if (
        message.text.strip()
        or message.subject.strip()
        or message.attachments
        or message.choice
        or message.offer
    ):
        return None
    return Screened(verdict=Verdict.IGNORE, check="empty", reason="It holds nothing.")


#: The order is the policy. Each check has a name, and the name is recorded with what it decided.
CHECKS: tuple[Check, ...] = (own, blocked, bounce, dangerous, automatic, unreadable, empty)


def screen(
    message: Message, policy: Policy, *, known: bool = False, released: bool = False
) -> Screened | None:
    """The first check that speaks, None for an ordinary message.

    known     the sender has written before
    released  somebody let it out of quarantine: only the other checks count
    """
    skipped = (
        {blocked, dangerous} if released else {dangerous} if known and message.vouched != "fail" else set()
    )
    return next(
        (found for check in CHECKS if check not in skipped and (found := check(message, policy))), None
    )
