"""The image's recipe: what it copies is enough to build the package and to run it; nothing is forgotten later."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
RECIPE = (ROOT / "Containerfile").read_text("utf-8")


def copies(stage: int) -> list[tuple[list[str], str]]:
    """Sources and target of each COPY of a stage that comes from the checkout."""
    part = RECIPE.split("\nFROM ")[1 + stage]
    lines = re.findall(r"^COPY (?!--from)(.+)$", part, re.M)
    return [(line.split()[:-1], line.split()[-1]) for line in lines]


def put(sources: list[str], target: Path, many: bool) -> None:
    for source in sources:
        place = target / source if many else target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / source, place)


def test_what_the_image_copies_is_enough_to_build_the_package(tmp_path: Path) -> None:
    for sources, target in copies(0):
        put(sources, tmp_path / target, target.endswith("/"))
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_the_settings_name_is_in_the_image_and_mounted_by_compose() -> None:
    inside = {
        f"{target.rstrip('/')}/{s}" if target.endswith("/") else target
        for ss, target in copies(1)
        for s in ss
    }
    settings = tomllib.loads((ROOT / "config.toml").read_text("utf-8"))
    named = {
        "config.toml",
        settings["bot"]["articles"],
        settings["desk"]["canned"],
        settings["rules"]["file"],
    }
    assert {f"/srv/{name}" for name in named} <= inside
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    mounted = {volume.split(":")[1] for volume in compose["services"]["deskgate"]["volumes"]}
    assert {f"/srv/{name}" for name in named} <= mounted
