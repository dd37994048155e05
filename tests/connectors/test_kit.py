"""The connector kit: its skeleton passes the suite as a package of its own, and is found by its entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors import REGISTRY, registry
from gateway.accounts import check_accounts
from gateway.cli import main
from gateway.settings import Settings


def installed(package: Path, name: str) -> Path:
    """The package as pip would install it: its code and what it says of its entry points, on one path."""
    info = package / f"deskgate_{name}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: deskgate-{name}\nVersion: 0.1.0\n")
    text = (package / "pyproject.toml").read_text()
    section = text.partition('[project.entry-points."deskgate.connectors"]\n')[2].partition("\n\n")[0]
    (info / "entry_points.txt").write_text(f"[deskgate.connectors]\n{section.replace(chr(34), '')}\n")
    return package


def test_a_new_connector_passes_the_suite_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connectors", "new", "pigeon", "--to", str(tmp_path)]) == 0
    assert "pip install" in capsys.readouterr().out
    package = installed(tmp_path / "deskgate-pigeon", "pigeon")

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=package, env={**os.environ, "PYTHONPATH": str(package)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:]
    skipped = [line for line in run.stdout.splitlines() if "skipped" in line]
    assert skipped and "1 skipped" in skipped[-1], "only files are left out"


def test_it_is_found_by_its_entry_point_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["connectors", "new", "carrier", "--to", str(tmp_path)])
    settings = Settings.model_validate({"connectors": {"carrier": {"main": {"secret": "s", "token": "t"}}}})
    _, problems = check_accounts(settings.connectors, settings, lambda place: "config.toml")
    assert problems and "connectors.carrier is no channel" in problems[0]

    monkeypatch.syspath_prepend(str(installed(tmp_path / "deskgate-carrier", "carrier")))
    (found,), problems = check_accounts(settings.connectors, settings, lambda place: "config.toml")
    assert (found.kind, problems) == ("carrier", [])
    capsys.readouterr()
    assert main(["connectors", "list"]) == 0
    assert "deskgate_carrier:Carrier  (another package)" in capsys.readouterr().out


def test_no_package_takes_over_a_channel_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["connectors", "new", "owl", "--to", str(tmp_path)])
    package = tmp_path / "deskgate-owl"
    text = (
        (package / "pyproject.toml")
        .read_text()
        .replace('owl = "deskgate_owl:Owl"', 'email = "deskgate_owl:Owl"')
    )
    (package / "pyproject.toml").write_text(text)
    monkeypatch.syspath_prepend(str(installed(package, "owl")))
    assert registry()["email"] == REGISTRY["email"]


@pytest.mark.parametrize("name", ["email", "Owl", "my-channel", "x", "class", "../up"])
def test_a_name_that_cannot_be_used_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["connectors", "new", name, "--to", str(tmp_path)]) == 1
    assert "ake another name" in capsys.readouterr().err or not list(tmp_path.iterdir())


def test_what_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connectors", "new", "dove", "--to", str(tmp_path)]) == 0
    assert main(["connectors", "new", "dove", "--to", str(tmp_path)]) == 1
    assert "is there already" in capsys.readouterr().err
