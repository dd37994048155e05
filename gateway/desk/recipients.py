"""To whom an answer would go, and which files may go along: said before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.errors import Refused
from gateway.model import Attachment, Leg
from gateway.policy import Policy

_KB = 1024


def goes_to(leg: Leg | None) -> str:
    """One sentence for whoever writes the answer; computed from the very message that is being answered."""
    if leg is None:
        return "There is no way to reach the requester."
    place = {
        "email": f"{leg.address.conversation} by e-mail",
        "webchat": "the visitor in the web chat",
        "telegram": "the requester on Telegram",
        "slack": "the requester in Slack",
    }.get(leg.address.connector, f"the requester by {leg.address.connector}")
    copies = f", with a copy to {', '.join(leg.cc)}" if leg.cc else ""
    return f"It goes to {place}{copies}."


def file_limit(leg: Leg | None, policy: Policy) -> str:
    """What this way carries, in words; "" when it sets no limit."""
    if leg is None:
        return ""
    account = policy.account(leg.address)
    if not account.files:
        return "This way carries no files."
    return f"Together up to {_spoken(account.max_file)}." if account.max_file else ""


def check_files(files: Iterable[Attachment], leg: Leg, policy: Policy) -> None:
    """Raises Refused when they cannot go this way, so that the agent hears it while they still write."""
    together = sum(file.size for file in files)
    account = policy.account(leg.address)
    if together and not account.files:
        raise Refused("The requester cannot get files this way. Send a link, or put it into words.")
    if account.max_file and together > account.max_file:
        raise Refused(
            f"The files are {_spoken(together)} together; this way carries {_spoken(account.max_file)}. "
            "Send fewer, or smaller ones."
        )


def _spoken(size: int) -> str:
    return f"{size / _KB / _KB:.1f} MB" if size >= _KB * _KB else f"{max(1, size // _KB)} KB"
