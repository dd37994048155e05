"""`make audit`: what is said of the service's answers; the service itself is not asked here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "audit.sh"
SKIPPED = "x  Dependency not found on PyPI and could not be audited: x (1)"


@pytest.mark.parametrize(
    ("answer", "code", "ends", "says"),
    [
        (
            "No known vulnerabilities found",
            0,
            0,
            "No known vulnerability in 2 of 2 packages; 0 are not known",
        ),
        (f"No known vulnerabilities found\n{SKIPPED}", 0, 0, "No known vulnerability in 1 of 2"),
        (f"No known vulnerabilities found\n{SKIPPED}\n{SKIPPED}", 0, 0, "skipped: the service knows none"),
        ("Found 1 known vulnerability in 1 package\naiohttp 1 GHSA-1", 1, 1, "GHSA-1"),
        ("ConnectionError: Could not connect to the service", 1, 0, "skipped: the service cannot be reached"),
    ],
)
def test_what_the_audit_says(tmp_path: Path, answer: str, code: int, ends: int, says: str) -> None:
    def stub(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    stub("bin/uv", "printf 'aiohttp==1\\nx==1\\n'")
    stub("audit/bin/pip-audit", f"cat <<'END'\n{answer}\nEND\nexit {code}")
    done = subprocess.run(
        ["sh", str(SCRIPT), str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == ends and says in done.stdout, done
