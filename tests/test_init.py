"""A new installation from an installed package: what `init` lays out runs, from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.errors import SettingsError
from gateway.operations.installation import Wishes, config_text, lay_out, shipped
from gateway.startup import read_settings
from tests.running import free_port

ROOT = Path(__file__).parent.parent


class Package:
    """The wheel, unpacked: `run` is its command in a folder that holds nothing else of ours."""

    def __init__(self, site: Path) -> None:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("DESKGATE_")}
        self.environ = plain | {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}

    def run(self, where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gateway", *arguments]
        return subprocess.run(
            command, cwd=where, env=self.environ, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    made = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(made / "site")
    return Package(made / "site")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    lay_out(tmp_path / "shop", Wishes(company='Ann "and" Söhne', port=free_port()))
    yield tmp_path / "shop"


def test_an_installed_package_makes_an_installation_that_runs(package: Package, tmp_path: Path) -> None:
    port = free_port()
    done = package.run(tmp_path, "init", "shop", "--company", "Ann & Co", "--port", str(port))
    assert done.returncode == 0, done.stdout + done.stderr
    config = tmp_path / "shop" / "config.toml"
    config.write_text(config.read_text().replace("127.0.0.1:2525", "127.0.0.1:0"))
    assert str(ROOT) not in "".join(path.read_text() for path in (tmp_path / "shop").glob("*.toml"))
    doctor = package.run(tmp_path / "shop", "doctor")
    assert doctor.returncode == 0 and "error" not in doctor.stdout, doctor.stdout + doctor.stderr
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    with (tmp_path / "out").open("wb") as out:
        serving = subprocess.Popen(command, cwd=tmp_path, env=package.environ, stdout=out, stderr=out)
    try:
        page = _page(f"http://127.0.0.1:{port}/chat", serving, tmp_path / "out")
    finally:
        serving.terminate()
        serving.wait(60)
    assert "Ann &amp; Co" in page
    assert "Traceback" not in (tmp_path / "out").read_text()
    assert "installation key" in package.run(tmp_path / "shop", "key", "status").stdout


def _page(url: str, serving: subprocess.Popen[bytes], out: Path) -> str:
    until = time.monotonic() + 90
    while time.monotonic() < until and serving.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError(out.read_text())


def test_secrets_and_key_are_for_their_owner_only(shop: Path) -> None:
    for path in (shop / ".env", shop / "var" / "deskgate.key"):
        assert path.stat().st_mode & 0o077 == 0


def test_the_settings_are_those_that_ship_with_this_installations_names(shop: Path) -> None:
    made, sample = (tomllib.loads(p.read_text("utf-8")) for p in (shop / "config.toml", ROOT / "config.toml"))
    assert made["site"]["company"] == 'Ann "and" Söhne'
    assert {name: sorted(section) for name, section in made.items()} == {
        name: sorted(section) for name, section in sample.items()
    }
    settings, accounts = read_settings(shop / "config.toml", {})
    assert settings.bot.articles == shop / "articles" and len(accounts) == len(sample["connectors"])
    assert "lindenandfox" not in (shop / "config.toml").read_text("utf-8")


def test_nothing_is_overwritten(shop: Path) -> None:
    before = (shop / "config.toml").read_text()
    with pytest.raises(SettingsError, match="is there already"):
        lay_out(shop, Wishes())
    assert (shop / "config.toml").read_text() == before


def test_articles_that_are_there_already_stay(tmp_path: Path) -> None:
    (tmp_path / "shop" / "articles").mkdir(parents=True)
    (tmp_path / "shop" / "articles" / "ours.md").write_text("ours")
    lay_out(tmp_path / "shop", Wishes())
    assert sorted(path.name for path in (tmp_path / "shop" / "articles").iterdir()) == ["drafts", "ours.md"]


def test_an_address_that_is_none_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "shop"), "--public-url", "help.example.com"]) == 1
    assert "site.public_url" in capsys.readouterr().err


def test_every_name_that_init_puts_in_is_in_the_shipped_settings() -> None:
    text = config_text(shipped("config.toml").read_text("utf-8"), Path("/srv/shop"), Wishes(company="X"))
    assert text.count("/srv/shop") >= 5


@pytest.mark.skipif(not Path("/usr/bin/systemd-analyze").exists(), reason="there is no systemd here")
def test_the_service_file_is_one_that_systemd_takes(shop: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", str(shop / "deskgate.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "deskgate.service" not in done.stderr, done.stderr
    assert done.returncode == 0
