"""docs/slack.md says what the connector does: its permissions and its settings."""

from __future__ import annotations

import re
from pathlib import Path

from connectors.slack.manifest import SCOPES
from connectors.slack.memory import MAX_TYPED
from connectors.slack.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "slack.md").read_text()


def test_every_permission_of_the_manifest_stands_there_with_its_reason() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+(?::[a-z]+)?)` \| (.*) \| (.*) \|$", PAGE.split("## Every permission")[1], re.M
    )
    assert [row for row in rows if row[0] in SCOPES] == [(s, r.what, r.without) for s, r in SCOPES.items()]


def test_every_setting_is_explained() -> None:
    assert all(f"`{name}`" in PAGE for name in Settings.model_fields)
    assert f"{MAX_TYPED:,} characters" in PAGE
