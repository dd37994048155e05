"""The channels by name; none is imported unless config.toml enables it."""

from __future__ import annotations

#: name -> "module:Class"; the class takes (account, settings, key), its module has `Settings` (pydantic).
REGISTRY: dict[str, str] = {
    "webchat": "connectors.webchat:WebChat",
    "email": "connectors.email.connector:Email",
    "slack": "connectors.slack.connector:Slack",
    "telegram": "connectors.telegram.connector:Telegram",
}
