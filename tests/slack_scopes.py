"""Which permission each Web API method needs, as docs.slack.dev/reference/methods/<method> says ("Scopes")."""

from __future__ import annotations

from typing import Any

#: method -> bot scope; a dict where the kind of conversation decides.
BY_KIND = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
NEEDED: dict[str, str] = {
    "auth.test": "",
    "apps.connections.open": "",  # the app-level token's connections:write
    "views.open": "",
    "views.update": "",
    "views.publish": "",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "users.info": "users:read",
    "team.info": "team:read",
    "files.info": "files:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "conversations.info": "{kind}:read",
    "conversations.history": "{kind}:history",
    "conversations.replies": "{kind}:history",
    "users.conversations": "{kind}:read",
    "conversations.open": "im:write",
}
KINDS = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
#: Everything that an app of ours may be granted.
SCOPES = frozenset(
    {scope for scope in NEEDED.values() if scope and "{" not in scope}
    | {f"{kind}:{what}" for kind in KINDS.values() for what in ("read", "history")}
    | {"commands", "app_mentions:read"}
)


def needed_scope(slack: Any, method: str, arguments: dict[str, Any]) -> str:
    """The first permission that this call needs and the app lacks, "" when it may."""
    needed = NEEDED.get(method, "")
    if "{kind}" not in needed:
        return needed
    if method == "users.conversations":
        kinds = [KINDS[name] for name in arguments.get("types", "public_channel").split(",")]
    else:
        channel = slack.channels.get(arguments.get("channel", ""))
        kinds = [BY_KIND[channel.kind]] if channel else []
    wanted = [needed.format(kind=kind) for kind in kinds]
    return next((scope for scope in wanted if scope not in slack.scopes), "")
