"""What the general part of doctor finds, each finding with a remedy; and that a start refuses a foreign key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.accounts import accounts
from gateway.app import Deskgate
from gateway.cli import main
from gateway.clock import SystemClock, to_ms
from gateway.errors import SettingsError
from gateway.operations.doctor import examine, of_clock, of_database, of_disk, of_env_file, of_key, of_origins
from gateway.operations.findings import Finding, Level
from gateway.privacy import Seal
from gateway.settings import Settings
from gateway.store.examination import Looked, look
from tests.running import free_port, running, settings_for
from tests.stores import open_stores, row


def levels(findings: list[Finding]) -> list[str]:
    """The levels; whatever is not in order must come with a remedy."""
    assert all(finding.remedy for finding in findings if finding.level is not Level.OK)
    return [finding.level.value for finding in findings]


def settings(folder: Path, **sections: Any) -> Settings:
    return settings_for(folder, free_port(), **sections)


async def test_a_fresh_folder_has_nothing_wrong_with_it(tmp_path: Path) -> None:
    made = settings(tmp_path)
    found = await examine(tmp_path / "config.toml", made, accounts(made, "test"), {})
    assert "error" not in levels(found)
    assert not (tmp_path / "deskgate.db").exists() and not (tmp_path / "key").exists()  # a look makes nothing


async def test_what_runs_is_found_in_order(tmp_path: Path) -> None:
    made = settings(tmp_path, site={"public_url": ""})
    async with running(made) as deskgate:
        await deskgate.first_link()
        port = made.server.port
        public = made.model_copy(
            update={"site": made.site.model_copy(update={"public_url": f"http://127.0.0.1:{port}"})}
        )
        found = await examine(tmp_path / "config.toml", public, accounts(made, "test"), {})
    assert "error" not in levels(found), found
    said = " ".join(finding.what for finding in found)
    assert "SQLite" in said and "leads here" in said and deskgate.seal.id in said


async def test_a_page_that_is_not_ours_is_found(tmp_path: Path) -> None:
    app, port = web.Application(), free_port()
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        made = settings(tmp_path, site={"public_url": f"http://127.0.0.1:{port}"})
        found = await examine(tmp_path / "config.toml", made, [], {})
    finally:
        await runner.cleanup()
    assert any("answers 404" in finding.what for finding in found)


async def test_a_database_is_looked_at_and_not_changed(database: str) -> None:
    look(database)  # one without a table is no error
    async with open_stores(database) as (store,):
        await store.take([row("a", sealed=b"sealed", received_at=5)])
        found = look(database)
    assert (found.exists, found.missing, found.unknown) == (True, (), ())
    assert (found.newest, found.sealed, found.members) == (5, b"sealed", 0)
    assert found.now and found.size and found.program


@pytest.mark.parametrize(
    ("looked", "level", "word"),
    [
        (Looked(), "ok", "makes the database"),
        (Looked(exists=True, damage="row 7 missing"), "error", "restore"),
        (Looked(exists=True, unknown=("9999_future",)), "error", "9999_future"),
        (Looked(exists=True, missing=("0008_x",)), "warning", "backup"),
        (Looked(exists=True, connections=10), "warning", "max_connections"),
    ],
)
def test_each_state_of_a_database_has_its_remedy(looked: Looked, level: str, word: str) -> None:
    found = of_database("sqlite:///var/deskgate.db", looked)
    assert level in levels(found)
    assert any(word in f"{finding.what} {finding.remedy}" for finding in found)


def test_clocks_that_jump_or_differ_are_found() -> None:
    now = to_ms(SystemClock().now())
    assert levels(of_clock(Looked(now=now, newest=now), 0)) == ["ok"]
    assert levels(of_clock(Looked(now=now), 5)) == ["warning"]
    assert levels(of_clock(Looked(now=now - 120_000), 0)) == ["error"]
    (jumped,) = of_clock(Looked(newest=now + 3_600_000), 0)
    assert "60 minutes in the future" in jumped.what


def test_the_key_is_compared_with_what_it_sealed(tmp_path: Path) -> None:
    made, other = settings(tmp_path), Seal(b"o" * 32)
    ours = Seal(b"k" * 32)
    environ = {"DESKGATE_KEY": (b"k" * 32).hex()}
    assert levels(of_key(made, Looked(), {})) == ["ok"]
    assert levels(of_key(made, Looked(key=ours.id), {})) == ["error"]  # its file is gone
    assert levels(of_key(made, Looked(key=ours.id, sealed=ours.seal(b"x", b"input")), environ)) == ["ok"]
    assert levels(of_key(made, Looked(key=other.id), environ)) == ["error"]
    assert levels(of_key(made, Looked(sealed=other.seal(b"x", b"input")), environ)) == ["error"]
    assert levels(of_key(made, Looked(), {"DESKGATE_KEY": "beef"})) == ["error"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert levels(of_disk(settings(tmp_path))) == ["error"]
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, level in ((100_000_000, "error"), (1_000_000_000, "warning"), (10**11, "ok")):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr("gateway.operations.doctor.shutil.disk_usage", lambda path, usage=usage: usage)
        assert levels(of_disk(settings(tmp_path))) == [level]


def test_sites_that_embed_the_chat_without_encryption_are_found(tmp_path: Path) -> None:
    origins = ["http://shop.example.com", "https://shop.example.com"]
    made = settings(tmp_path, connectors={"webchat": {"site": {"allowed_origins": origins}}})
    assert levels(of_origins(accounts(made, "test"), "https://help.example.com")) == ["warning", "ok"]


def test_secrets_that_others_may_read_are_found(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert of_env_file(file) == []
    file.write_text("")
    file.chmod(0o644)
    assert levels(of_env_file(file)) == ["error"]
    file.chmod(0o600)
    assert levels(of_env_file(file)) == ["ok"]


def test_secrets_come_from_the_file_beside_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, "DESKGATE_SITE__COMPANY": "The environment wins"})
    (tmp_path / "config.toml").write_text("[queues.general]\ntitle = 'General'\ndefault = true\n")
    (tmp_path / ".env").write_text("OTHER=1\nDESKGATE_SITE__COMPANY=no\nDESKGATE_SERVER__PORT=nonsense\n")
    assert main(["check", "--config", str(tmp_path / "config.toml")]) == 1
    said = capsys.readouterr().err
    assert "DESKGATE_SERVER__PORT" in said and "chmod 600" in said
    assert os.environ["DESKGATE_SITE__COMPANY"] == "The environment wins" and "OTHER" not in os.environ


async def test_a_start_with_another_key_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    made = settings(tmp_path)
    async with running(made) as deskgate:
        pass
    key = (tmp_path / "key").read_text()
    (tmp_path / "key").unlink()
    with pytest.raises(
        SettingsError, match=f"there is no such file.*{deskgate.seal.id}.*deskgate key accept"
    ):
        async with running(made):
            pass
    assert not (tmp_path / "key").exists()  # the one that the start made is gone again
    (tmp_path / "key").write_text(key)
    (tmp_path / "key").chmod(0o600)
    async with running(made):
        pass


async def test_a_key_may_change_when_the_former_one_is_known(tmp_path: Path) -> None:
    made = settings(tmp_path)
    async with running(made) as first:
        pass
    old, new = (tmp_path / "key").read_text().strip(), "ab" * 32
    environ = {"DESKGATE_KEY": new, "DESKGATE_OLD_KEYS": old}
    deskgate = Deskgate(made, accounts(made, "test"), environ=environ)
    runner = web.AppRunner(deskgate.web_app())
    await runner.setup()
    try:
        assert await deskgate.store.flag("installation_key") == deskgate.seal.id != first.seal.id
    finally:
        await runner.cleanup()
