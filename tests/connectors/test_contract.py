"""What every connector owes the core: the shipped suite, through each one's own door."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors import REGISTRY
from gateway.accounts import load_channel
from gateway.conformance import Conformance, Door
from tests.connectors.doors import DOORS


class TestConformance(Conformance):
    """Every channel that is shipped."""

    @pytest.fixture(params=sorted(DOORS))
    async def door(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Door]:
        async with DOORS[request.param](tmp_path) as opened:
            yield opened


def test_every_channel_of_the_registry_is_under_the_contract() -> None:
    assert set(DOORS) == set(REGISTRY)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_settings_are_closed_and_explained(name: str) -> None:
    _, settings = load_channel(name)
    assert settings.model_config.get("extra") == "forbid"
    assert [key for key, field in settings.model_fields.items() if not field.description] == []


def test_no_channel_is_imported_unless_enabled() -> None:
    """Starting with web chat alone loads neither Slack's nor the mail libraries."""
    code = (
        "import sys; from gateway.accounts import accounts; from gateway.settings import Settings;"
        "accounts(Settings.model_validate({'connectors': {'webchat': {'site': {}}}}), 'x');"
        "print([m for m in ('slack_bolt', 'aiosmtplib', 'aiosmtpd', 'imapclient', 'telegram') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_start_on_sqlite_loads_no_driver_of_postgresql() -> None:
    code = (
        "import sys; import gateway.app; print([m for m in ('psycopg', 'psycopg_pool') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
