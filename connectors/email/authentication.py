"""What our own mail host says of a mail's sender (Authentication-Results, RFC 8601); nobody else's word counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

_COMMENT = re.compile(r"\([^()]{0,500}\)")
_DMARC = re.compile(r"(?:^|;)\s*dmarc\s*=\s*([a-z]{1,20})\b([^;]{0,500})", re.IGNORECASE)
_FROM = re.compile(r"\bheader\.from\s*=\s*\"?([^\s;\"]{1,253})", re.IGNORECASE)


def dmarc(values: Sequence[str], host: str, sender: str) -> str:
    """The result for the domain of `sender`, lower case ("pass", "fail", "none", …); "" when the host says nothing.

    values  the header fields, topmost first
    host    the authserv-id that is believed; "" believes nobody

    Only fields above the first one of another host count: what stands below came with the mail, and RFC 8601
    section 5 makes the host remove its own name from there.
    """
    for value in values:
        plain = _COMMENT.sub(" ", value)
        if not host or plain.partition(";")[0].lower().split()[:1] != [host.lower()]:
            return ""
        found = _DMARC.search(";" + plain.partition(";")[2])
        if found is not None:
            named = _FROM.search(found[2])
            # A result for another domain than the one people see vouches for nothing.
            return found[1].lower() if named is None or named[1].lower() == _domain(sender) else "fail"
    return ""


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
