"""docs/slack.md says what the connector does: its manifest, its permissions and its settings."""

from __future__ import annotations

import json
import re
from pathlib import Path

from connectors.slack.memory import MAX_TYPED
from connectors.slack.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "slack.md").read_text()
MANIFEST = json.loads(PAGE.split("```json\n")[1].split("```")[0])


def test_every_permission_of_the_manifest_has_its_reason() -> None:
    scopes = MANIFEST["oauth_config"]["scopes"]["bot"]
    assert re.findall(r"^\| `([a-z]+:[a-z]+)` \|", PAGE, re.MULTILINE) == scopes


def test_the_manifest_points_to_our_routes_and_asks_for_thread_messages_only() -> None:
    settings = MANIFEST["settings"]
    assert settings["event_subscriptions"]["request_url"].endswith("/slack/main/events")
    assert settings["interactivity"]["request_url"].endswith("/slack/main/interactions")
    assert settings["event_subscriptions"]["bot_events"] == ["message.channels", "message.groups"]


def test_every_setting_is_explained() -> None:
    assert all(f"`{name}`" in PAGE for name in Settings.model_fields)
    assert f"{MAX_TYPED:,} characters" in PAGE
