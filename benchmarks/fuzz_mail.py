"""Hostile mail, for as long as told: nothing may crash the parser or the stripper, nothing may take over 1 s a MB.

python -m benchmarks.fuzz_mail [--seconds 600] [--seed N]: half of the time hypothesis builds mails of known pieces,
half of it atheris (where it is installed) mutates bytes along the code's branches. One JSON line at the end, exit 1
for a find.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from connectors.email.parse import parse_mail
from gateway.text.reply import newest_reply

#: CPU seconds that a mail may take beside those of its size; the first call of a pattern compiles it.
ALLOWANCE, PER_MB = 0.25, 1.0

HEADERS = (
    b"From: Mia <mia@example.org>",
    b"From: =?utf-8?q?=C4=8C=20?= <c@example.org>, =?x?b?====?=",
    b"Subject: =?gb18030?B?xOO6ww==?= Re: Aw: [DG-1]",
    b"Message-ID: <" + b"a" * 300 + b"@x>",
    b"References: " + b"<a@b> " * 60,
    b"Date: Mon, 2 Mar 2026 09:00:00 +9999",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: x-uuencode",
    b"Content-Type: text/html; charset=utf-7",
    b"Content-Type: multipart/mixed; boundary=b",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    b"Content-Type: application/ms-tnef; name=winmail.dat",
    b"Content-Type: message/rfc822",
    b"Content-Type: application/pkcs7-mime; name=smime.p7m",
    b"Content-Disposition: attachment; filename*0*=utf-8''%E2; filename*1=x",
    b"Auto-Submitted: auto-replied",
    b"Return-Path: <>",
)
BODIES = (
    b"--b\r\n",
    b"--b--\r\n",
    b"\r\n\r\n",
    b"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n",
    b"On Mon, 2 Mar 2026 at 09:00, Mia <mia@example.org> wrote:\r\n> quoted\r\n",
    b"Am 02.03.2026 um 09:00 schrieb Mia:\r\n>",
    b"-----Original Message-----\r\nFrom: a\r\nSent: b\r\nTo: c\r\nSubject: d\r\n",
    b"<div><blockquote type=cite>" * 40,
    b"<table><tr><td>" * 40,
    b"</p>&#x110000;&amp;<a href='javascript:x'>" * 20,
    b"-- \r\nMia\r\n",
    b">" * 3000,
    b" " * 3000 + b"wrote:\r\n",
    b"begin 644 x\r\n" + b"M" * 200 + b"\r\nend\r\n",
    b"\x78\x9f\x3e\x22" + b"\x00\x01\xff\xff\xff\x7f" * 30,
    b"=?utf-8?q?" * 200,
    bytes.fromhex("308006092a864886f70d010702a0803080020101310030800609") + b"\x24\x80\x04\x05hello" * 9,
    b"\x30\x80" * 400,
)


class Slow(Exception):
    """A mail took longer than its size allows."""


def try_one(raw: bytes) -> float:
    """Reads a mail and strips it as text too; the CPU seconds of both. Raises whatever they raise, and Slow."""
    started = time.thread_time()
    parse_mail(raw)
    newest_reply(raw.decode("utf-8", "replace"), subject="Re: parcel")
    spent = time.thread_time() - started
    if spent > ALLOWANCE + PER_MB * len(raw) / 1_000_000:
        raise Slow(f"{spent:.2f} s for {len(raw)} bytes")
    return spent


def mails() -> st.SearchStrategy[bytes]:
    """Mails of known pieces in any order, with any bytes between them."""
    head = st.lists(st.one_of(st.sampled_from(HEADERS), st.binary(max_size=60)), max_size=8)
    body = st.lists(
        st.one_of(
            st.tuples(st.sampled_from(BODIES), st.integers(1, 60)).map(lambda pair: pair[0] * pair[1]),
            st.sampled_from(HEADERS),
            st.binary(max_size=200),
            st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        ),
        max_size=12,
    )
    return st.builds(lambda h, b: b"\r\n".join(h) + b"\r\n\r\n" + b"\r\n".join(b), head, body)


def with_hypothesis(seconds: float, first: int) -> dict[str, object]:
    """Rounds of fresh examples until the time is over, each with the next seed; a failure's mail goes to stderr."""
    ends, tried, slowest, found = time.perf_counter() + seconds, 0, 0.0, ""

    def one(raw: bytes) -> None:
        nonlocal tried, slowest
        tried += 1
        slowest = max(slowest, try_one(raw))

    limits = settings(
        max_examples=500,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    for number in itertools.count(first):
        if found or time.perf_counter() >= ends:
            break
        try:
            seed(number)(limits(given(mails())(one)))()
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            print(found, getattr(error, "__notes__", ""), file=sys.stderr)
    return {"mails": tried, "slowest_s": round(slowest, 3), "found": found}


def with_atheris(seconds: float, first: int) -> dict[str, object]:
    """A process of its own, since libFuzzer ends the one it runs in; a find is left in the folder it names."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-mail-"))
    for number, piece in enumerate((*HEADERS, *BODIES)):
        (folder / f"seed-{number}").write_bytes(b"From: a@b\r\n" + piece + b"\r\n\r\n" + piece)
    command = [
        sys.executable,
        "-m",
        "benchmarks.fuzz_mail",
        "--child",
        str(folder),
        f"{int(seconds)}",
        f"{first}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    runs = [line for line in done.stderr.splitlines() if line.startswith("stat::number_of_executed_units")]
    tried = int(runs[-1].split()[-1]) if runs else 0
    found = "" if done.returncode == 0 else f"see {folder}: {done.stderr[-1500:]}"
    return {"mails": tried, "found": found}


def child(folder: str, seconds: str, first: str) -> None:
    """The process that mutates; does not return."""
    atheris = importlib.import_module("atheris")
    atheris.instrument_all()
    options = [
        f"-max_total_time={seconds}",
        "-max_len=65536",
        "-timeout=20",
        "-print_final_stats=1",
        f"-seed={first}",
    ]
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={folder}/found-", folder], lambda raw: _quiet(raw)
    )
    atheris.Fuzz()


def _quiet(raw: bytes) -> None:
    with contextlib.redirect_stderr(None):
        try_one(raw)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--child", nargs=3, metavar=("FOLDER", "SECONDS", "SEED"), help=argparse.SUPPRESS)
    options.add_argument("--seed", type=int, default=random.randrange(1, 2**31))
    chosen = options.parse_args()
    if chosen.child:
        child(*chosen.child)
    both = importlib.util.find_spec("atheris") is not None
    result: dict[str, object] = {"name": "fuzz_mail", "seconds": chosen.seconds, "seed": chosen.seed}
    result["hypothesis"] = built = with_hypothesis(
        chosen.seconds / 2 if both else chosen.seconds, chosen.seed
    )
    mutated = (
        with_atheris(chosen.seconds / 2, chosen.seed)
        if both
        else {"found": "", "skipped": "atheris is not installed"}
    )
    result["atheris"] = mutated
    print(json.dumps(result))
    return 1 if built["found"] or mutated["found"] else 0


if __name__ == "__main__":
    sys.exit(main())
