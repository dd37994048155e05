"""A replica under steady load for ten minutes: memory and open files as a picture: python -m benchmarks.soak

`ratio` is the memory of the last tenth against that of the tenth after the middle: by then the page caches of the
database (32 MB) are full. The picture needs matplotlib; without it there are only the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.load import cpu_seconds
from benchmarks.report import middle, progress, report
from tests import databases
from tests.peer import listening
from tests.replicas import Load, Replica, replicas

TARGET, AIM = 1.1, 1.03


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the process."""

    seconds: float
    memory: float  #: MB resident
    files: int
    messages: int


def main() -> None:
    """Loads, samples once a second, draws and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=4, help="conversations that go on at the same time")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--picture", type=Path, default=Path("soak.png"))
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        uri = f"sqlite:///{folder}/deskgate.db"
        if options.database == "postgresql":
            uri = stack.enter_context(databases.server())
        samples, cpu = asyncio.run(_soak(folder, uri, options.minutes * 60, options.workers))
    if not _draw(samples, options.picture):
        progress("no picture: install matplotlib to have one")
    _tell(samples, cpu)


async def _soak(folder: Path, uri: str, seconds: float, workers: int) -> tuple[list[Sample], float]:
    samples: list[Sample] = []
    async with (
        listening() as peer,
        replicas(folder, uri, peer, 1, lease=15, poll=False) as (replica,),
        Load([replica]) as load,
    ):
        load.start(workers)
        began = time.perf_counter()
        while (now := time.perf_counter() - began) < seconds:
            samples.append(_look(replica, now, load.answered.total()))
            if len(samples) % 30 == 0:
                progress(f"{now:.0f} s: {samples[-1].memory:.0f} MB, {samples[-1].files} files")
            await asyncio.sleep(1)
        await load.stop()
        return samples, cpu_seconds(replica.pid)


def _look(replica: Replica, seconds: float, messages: int) -> Sample:
    status = Path(f"/proc/{replica.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    files = len(list(Path(f"/proc/{replica.pid}/fd").iterdir()))
    return Sample(seconds=seconds, memory=int(found[1]) / 1024, files=files, messages=messages)


def _tell(samples: list[Sample], cpu: float) -> None:
    tenth = max(1, len(samples) // 10)
    half = len(samples) // 2
    early = middle([sample.memory for sample in samples[half : half + tenth]])
    late = middle([sample.memory for sample in samples[-tenth:]])
    last = samples[-1]
    report(
        "soak", late / early, TARGET, AIM,
        minutes=last.seconds / 60, messages=last.messages, rate=last.messages / last.seconds,
        cpu_ms=cpu / last.messages * 1e3, memory_mb={"first": samples[0].memory, "middle": early, "late": late},
        files={"early": samples[tenth].files, "most": max(sample.files for sample in samples)},
    )  # fmt: skip


def _draw(samples: list[Sample], path: Path) -> bool:
    try:
        from matplotlib import pyplot
    except ImportError:
        return False
    seconds = [sample.seconds for sample in samples]
    figure, (memory, files) = pyplot.subplots(2, 1, sharex=True, figsize=(9, 6))
    memory.plot(seconds, [sample.memory for sample in samples])
    memory.set(ylabel="resident memory, MB", ylim=(0, None), title="One replica under steady load")
    files.plot(seconds, [sample.files for sample in samples], color="tab:orange")
    files.set(ylabel="open files", xlabel="seconds", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    return True


if __name__ == "__main__":
    main()
