"""Real `deskgate serve` processes on loopback, to be started, killed without warning and started again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gateway.store.tx import Row
from tests.fakes import write_articles
from tests.running import free_port

ROOT = Path(__file__).parent.parent
#: A start imports everything and fits the bot, on a machine that may be busy.
READY_WITHIN = 90.0
#: What waits to be handled or sent, and what is done.
BACKLOG = """SELECT COALESCE(SUM(waits), 0), COALESCE(SUM(1 - waits), 0) FROM (
    SELECT CASE WHEN state = 'pending' THEN 1 ELSE 0 END AS waits FROM ledger UNION ALL
    SELECT CASE WHEN state IN ('held', 'queued', 'sending') THEN 1 ELSE 0 END FROM outbox) AS everything"""
ADDRESS = "support@lindenandfox.example"


class Serve:
    """One installation in a folder: its settings, its ports and the process that serves it."""

    def __init__(self, folder: Path, config: str = "", secrets: Mapping[str, str] | None = None) -> None:
        self.folder, self.port, self.smtp_port = folder, free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        public = re.search(r'public_url = "(.+)"', config)
        self.origin = public[1] if public else self.url  #: of pages that may use the chat
        self.database = folder / "deskgate.db"
        self.outgoing = folder / "outgoing"
        self.config = folder / "config.toml"
        self.config.write_text(config + self._basics())
        self._secrets = dict(secrets or {})
        self._process: subprocess.Popen[bytes] | None = None

    def _basics(self) -> str:
        articles = write_articles(self.folder / "articles")
        return f"""
[server]
port = {self.port}
[store]
database = "sqlite:///{self.database}"
key_file = "{self.folder}/key"
lease_seconds = 2
[bot]
articles = "{articles}"
[connectors.webchat.site]
email_account = "support"
ack_seconds = 0.1
messages_per_minute = 6000
address_per_minute = 60000
sessions_per_minute = 6000
[connectors.email.support]
address = "{ADDRESS}"
listen = "127.0.0.1:{self.smtp_port}"
outgoing_folder = "{self.outgoing}"
smtp_security = "none"
"""

    # ------------------------------------------------------------ the process

    def start(self) -> None:
        """Starts it; `wait_ready` says when it takes requests."""
        with (self.folder / "stdout").open("ab") as out, (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "gateway", "serve", "--config", str(self.config)]
            self._process = subprocess.Popen(command, cwd=ROOT, env=self.environ(), stdout=out, stderr=log)

    def environ(self) -> dict[str, str]:
        """Ours without settings of Deskgate, and the secrets of this installation."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("DESKGATE_")}
        # The canned replies of the checkout name queues that this installation need not have.
        return plain | {"DESKGATE_DESK__CANNED": str(self.folder / "canned")} | self._secrets

    def wait_ready(self) -> None:
        """Returns at the first 200 of /readyz; fails with the log when the process ends or takes too long."""
        until = time.monotonic() + READY_WITHIN
        while self.status("/readyz") != 200:
            assert self.running, f"it ended while starting:\n{self.log}"
            assert time.monotonic() < until, f"it was not ready in {READY_WITHIN} s:\n{self.log}"
            time.sleep(0.05)

    async def until_ready(self) -> None:
        await asyncio.to_thread(self.wait_ready)

    def status(self, path: str) -> int:
        """The status of a GET, 0 while nobody listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text("utf-8", "replace")

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self, within: float = 60.0) -> int:
        """SIGTERM; the exit code. Kills it, and fails, after `within` seconds."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not stop within {within} s:\n{self.log}") from None
        return code

    # ------------------------------------------------------------ looking

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs another subcommand on the same installation."""
        command = [sys.executable, "-m", "gateway", *arguments, "--config", str(self.config)]
        return subprocess.run(
            command, cwd=ROOT, env=self.environ(), capture_output=True, text=True, timeout=90, check=False
        )

    def ledger_check(self) -> dict[str, Any]:
        """What `deskgate ledger check` prints; fails unless it adds up."""
        done = self.command("ledger", "check")
        assert done.returncode == 0, done.stdout + done.stderr
        counted: dict[str, Any] = json.loads(done.stdout)
        return counted

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Reads the database beside the process."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql, params).fetchall()

    def value(self, sql: str, params: Sequence[object] = ()) -> Any:
        return self.rows(sql, params)[0][0]

    def backlog(self) -> tuple[int, int]:
        """How much waits to be handled or sent, and how much is done."""
        waiting, done = self.rows(BACKLOG)[0]
        return waiting, done

    def drained(self) -> bool:
        """Whether nothing waits to be handled or sent."""
        return self.backlog()[0] == 0


@contextmanager
def serving(folder: Path, config: str = "", secrets: Mapping[str, str] | None = None) -> Iterator[Serve]:
    """A ready process, killed at the end if it still runs."""
    serve = Serve(folder, config, secrets)
    serve.start()
    try:
        serve.wait_ready()
        yield serve
    finally:
        if serve.running:
            serve.kill()


def drained(look: Callable[[], tuple[int, int]], patience: float = 60.0) -> None:
    """Returns once nothing waits. `look` gives how much waits and how much is done; fails when nothing more gets done
    for `patience` seconds, however long the rest takes on a busy machine."""
    done, moved = -1, time.monotonic()
    while (seen := look())[0]:
        if seen[1] > done:
            done, moved = seen[1], time.monotonic()
        assert time.monotonic() - moved < patience, f"{seen[0]} wait, {done} are done, none in {patience} s"
        time.sleep(0.05)


def eventually(look: Any, seconds: float = 60.0) -> Any:
    """What `look` gives once it is true; fails after so long."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
    return found
