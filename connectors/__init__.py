"""The channels by name; none is imported unless config.toml enables it."""

from __future__ import annotations

from importlib.metadata import entry_points

#: name -> "module:Class"; the class takes (account, settings, key), its module has `Settings` (pydantic).
REGISTRY: dict[str, str] = {
    "webchat": "connectors.webchat:WebChat",
    "email": "connectors.email.connector:Email",
    "slack": "connectors.slack.connector:Slack",
    "telegram": "connectors.telegram.connector:Telegram",
    "api": "connectors.api.connector:Api",
    "mastodon": "connectors.mastodon.connector:Mastodon",
}

#: Where other packages say which connectors they bring; see docs/connectors.md.
GROUP = "deskgate.connectors"


def registry() -> dict[str, str]:
    """Every channel that is installed, ours and those of other packages; a name of ours is never taken over."""
    return {**{point.name: point.value for point in entry_points(group=GROUP)}, **REGISTRY}
