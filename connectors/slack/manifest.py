"""The app as Slack is to make it: its manifest, with the reason for each permission and each event. Pure.

Source: docs.slack.dev/reference/app-manifest. YAML, since that may carry the reasons as comments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from connectors.slack.customers import OPEN
from connectors.slack.offers import SHORTCUT as SEND


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """What something is for, and what is missing without it."""

    what: str
    without: str


#: Bot permissions, in the order in which the manifest has them.
SCOPES: dict[str, Reason] = {
    "app_mentions:read": Reason(what="hears messages that name the app", without="mentions may go unheard"),
    "channels:history": Reason(
        what="hears what is said in public channels that the app is in, and fetches what it missed",
        without="no customers and no notes in public channels",
    ),
    "channels:read": Reason(
        what="sees which public channels it is in, and whether a queue's channel is shared with others",
        without="missed messages are not fetched; sharing goes unnoticed",
    ),
    "chat:write": Reason(
        what="posts cards and answers, edits a card in place, shows lines that only one person sees",
        without="nothing works",
    ),
    "commands": Reason(
        what="the slash commands and the shortcuts in a message's menu", without="neither of them"
    ),
    "files:read": Reason(
        what="fetches files that customers send and that agents put into a card's thread",
        without="files are only named",
    ),
    "files:write": Reason(
        what="sends agents' files to customers, shows the requester's files and very long texts to agents",
        without="such messages are not delivered",
    ),
    "groups:history": Reason(
        what="the same as channels:history in private channels", without="nothing from private channels"
    ),
    "groups:read": Reason(
        what="the same as channels:read in private channels; a protected queue needs it",
        without="a protected queue's cards are stopped",
    ),
    "im:history": Reason(
        what="hears what people write to the app directly, and fetches what it missed",
        without="no direct messages",
    ),
    "im:read": Reason(
        what="sees which direct conversations there are, to fetch what it missed",
        without="missed direct messages are not fetched",
    ),
    "im:write": Reason(
        what="begins a direct conversation: for a command's answer, and to go on in private",
        without="no customers' command, no way from a channel into private",
    ),
    "mpim:history": Reason(
        what="hears messages that name the app in group conversations",
        without="nothing from group conversations",
    ),
    "mpim:read": Reason(
        what="sees which group conversations it is in, to fetch what it missed",
        without="missed messages of groups are not fetched",
    ),
    "team:read": Reason(
        what="says which company somebody in a shared channel is from",
        without="strangers are shown with an id in place of their company",
    ),
    "users:read": Reason(
        what="shows names, knows people's language, tells members from guests and strangers, who never act",
        without="every agents' button is refused",
    ),
}

#: Events that Slack delivers, and what each is for.
EVENTS: dict[str, str] = {
    "app_home_opened": "an agent opens the app's home",
    "app_mention": "somebody names the app",
    "channel_archive": "a queue's channel may be gone",
    "channel_shared": "a queue's channel may be shared with another organisation now: its cards stop",
    "channel_unshared": "its cards go on",
    "group_archive": "a queue's private channel may be gone",
    "message.channels": "customers' messages and agents' notes in public channels",
    "message.groups": "the same in private channels",
    "message.im": "what people write to the app directly",
    "message.mpim": "the same in group conversations",
}
#: Web API method -> the permissions of which a call of ours needs one (docs.slack.dev/reference/methods/<method>).
CALLS: dict[str, tuple[str, ...]] = {
    "apps.connections.open": (),  # the app-level token's connections:write
    "auth.test": (),
    "chat.delete": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": ("channels:history", "groups:history", "im:history", "mpim:history"),
    "conversations.info": ("channels:read", "groups:read"),
    "conversations.open": ("im:write",),
    "conversations.replies": ("channels:history", "groups:history", "im:history", "mpim:history"),
    "files.completeUploadExternal": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.info": ("files:read",),
    "team.info": ("team:read",),
    "users.conversations": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "users.info": ("users:read",),
    "views.open": (),
    "views.publish": (),
    "views.update": (),
}
#: Permissions that no call needs, and what needs them.
WITHOUT_CALL = {"app_mentions:read": "the event app_mention", "commands": "commands and shortcuts"}

#: Shortcuts in the menu of a message: callback id, name, description.
SHORTCUTS: tuple[tuple[str, str, str], ...] = (
    (OPEN, "Open a ticket", "Makes a ticket of this message."),
    (SEND, "Send to customer", "Sends this note of a card's thread to the customer, after a preview."),
)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between installations. `url`: where Slack reaches Deskgate, "" for Socket Mode."""

    account: str = "main"
    name: str = "Deskgate"
    url: str = ""
    command: str = "/deskgate"
    customer_command: str = ""

    @property
    def commands(self) -> Mapping[str, str]:
        """Each slash command with its description."""
        made = {self.command: "Your tickets, search and help for agents"} if self.command else {}
        if self.customer_command and self.customer_command != self.command:
            made[self.customer_command] = "Ask a question"
        return made

    def yaml(self) -> str:
        """The whole manifest, each permission and event with its reason."""
        parts = [self._head(), self._features(), _scopes(), self._settings()]
        return "\n".join(line for part in parts for line in part) + "\n"

    def _head(self) -> list[str]:
        return [
            "display_information:",
            f"  name: {_quoted(self.name)}",
            '  description: "Support tickets as cards; customers are answered where they ask."',
            '  background_color: "#1f3a4d"',
        ]

    def _features(self) -> list[str]:
        made = [
            "features:",
            "  app_home:",
            "    home_tab_enabled: true",
            "    messages_tab_enabled: true",
            "    messages_tab_read_only_enabled: false",
            "  bot_user:",
            f"    display_name: {_quoted(self.name)}",
            "    always_online: true",
            "  shortcuts:",
        ]
        for callback, name, description in SHORTCUTS:
            made += [f"    - name: {_quoted(name)}", "      type: message"]
            made += [f"      callback_id: {callback}", f"      description: {_quoted(description)}"]
        made += ["  slash_commands:"] if self.commands else []
        for command, description in self.commands.items():
            made += [f"    - command: {command}", f"      description: {_quoted(description)}"]
            made += [f"      url: {self._url('commands')}"] if self.url else []
            made += ["      usage_hint: help", "      should_escape: false"]
        return made

    def _settings(self) -> list[str]:
        events = ["  event_subscriptions:"]
        events += [f"    request_url: {self._url('events')}"] if self.url else []
        events += ["    bot_events:", *(f"      - {name}  # {why}" for name, why in EVENTS.items())]
        presses = ["  interactivity:", "    is_enabled: true"]
        presses += [f"    request_url: {self._url('interactions')}"] if self.url else []
        socket = str(not self.url).lower()
        last = [
            f"  socket_mode_enabled: {socket}",
            "  org_deploy_enabled: false",
            "  token_rotation_enabled: false",
        ]
        return ["settings:", *events, *presses, *last]

    def _url(self, route: str) -> str:
        return f"{self.url.rstrip('/')}/slack/{self.account}/{route}"


def _scopes() -> list[str]:
    granted = [f"      - {scope}  # {reason.what}" for scope, reason in SCOPES.items()]
    return ["oauth_config:", "  scopes:", "    bot:", *granted]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def lacking(granted: Sequence[str]) -> list[str]:
    """The permissions that the app has not, in the manifest's order."""
    return [scope for scope in SCOPES if scope not in granted]
