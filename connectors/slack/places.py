"""Where something was said, and so for whom it is: a queue's channel, a direct message, customers. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

import msgspec

from connectors.slack.payloads import MessageEvent
from gateway.model import Address

NAME = "slack"
#: Parts of the window within which top-level messages of one person are one ticket.
_PARTS = 5


class Place(StrEnum):
    """What a message's place makes of it."""

    QUEUE = "queue"  # a channel that shows tickets: notes below cards, nothing else
    DIRECT = "direct"  # between one person and us
    CALLED = "called"  # a channel, and it names us
    SUPPORT = "support"  # a channel where everything is for us
    THREAD = "thread"  # below another message; ours when that is
    ELSEWHERE = "elsewhere"


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known beside a payload: who we are, and what our channels are for."""

    account: str
    name: str = ""  #: what message keys carry: the workspace's id, or the account's name
    team: str = ""  #: our workspace, "" while Slack has not said
    bot_user: str = ""
    queues: frozenset[str] = frozenset()  #: channels that show tickets
    support: frozenset[str] = frozenset()
    together: timedelta = timedelta(minutes=10)

    def address(self, channel: str, thread: str = "") -> Address:
        return Address(connector=NAME, account=self.account, conversation=channel, thread=thread)

    def key(self, channel: str, ts: str) -> str:
        """The name of a message, by which an answer to it is recognised."""
        return f"{NAME}:{self.name or self.account}/{channel}/{ts}"

    def flat(self, channel: str) -> str:
        """The thread key of a direct conversation outside any thread."""
        return f"at:{self.address(channel).key}"

    def near(self, channel: str, user: str, ts: str) -> tuple[str, ...]:
        """Keys of what this person said in this channel shortly before; the first is that of now.

        Time is cut into parts of a fifth of the window, so that no state is kept and any replica finds the same.
        """
        part = int(self.together.total_seconds() // _PARTS)
        if part <= 0:
            return ()
        now = int(float(ts)) // part
        start = f"near:{NAME}/{self.account}/{channel}/{user}"
        return tuple(f"{start}/{now - before}" for before in range(_PARTS + 1))


def beside(thread: Address) -> str:
    """The key of a thread in which a colleague was asked in person: it is a ticket's, and nobody's request."""
    return f"beside:{thread.key}"


def is_direct(channel: str, channel_type: str | None) -> bool:
    return channel_type == "im" or (channel_type is None and channel.startswith("D"))


def in_thread(said: MessageEvent) -> bool:
    """Below another message; the first message of a thread names itself."""
    return bool(said.thread_ts) and said.thread_ts != said.ts


def place_of(said: MessageEvent, workspace: Workspace, *, called: bool) -> Place:
    """For whom a message is by where it stands; THREAD and ELSEWHERE need a look at what the thread is."""
    if said.channel in workspace.queues:
        return Place.QUEUE
    if is_direct(said.channel, said.channel_type):
        return Place.DIRECT
    if called or names_us(said.text, workspace.bot_user):
        return Place.CALLED
    if said.channel in workspace.support:
        return Place.SUPPORT
    return Place.THREAD if in_thread(said) else Place.ELSEWHERE


def names_us(text: str | None, bot_user: str) -> bool:
    """Whether a text mentions the app (docs.slack.dev/messaging/formatting-message-text, "Mentioning users")."""
    return bool(bot_user) and re.search(rf"<@{re.escape(bot_user)}(\|[^>]*)?>", text or "") is not None


def without_us(text: str, bot_user: str) -> str:
    """The text without the app's name, and without the comma or colon behind it."""
    if not bot_user:
        return text
    return re.sub(rf"[ \t]*<@{re.escape(bot_user)}(\|[^>]*)?>[,:]?", "", text).strip()
