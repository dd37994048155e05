"""The `deskgate` command. Each subcommand is one function; imports are late so that small ones start fast."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli import api as cli_api
from gateway.cli import connectors as cli_connectors
from gateway.cli import dead as cli_dead
from gateway.cli import dial as cli_dial
from gateway.cli import doctor as cli_doctor
from gateway.cli import init as cli_init
from gateway.cli import kb as cli_kb
from gateway.cli import key as cli_key
from gateway.cli import mail as cli_mail
from gateway.cli import operations as cli_operations
from gateway.cli import people as cli_people
from gateway.cli import publish as cli_publish
from gateway.cli import rules as cli_rules
from gateway.cli import simulate as cli_simulate
from gateway.cli import sla as cli_sla
from gateway.cli import slack as cli_slack
from gateway.cli import tickets as cli_tickets
from gateway.cli import triage as cli_triage
from gateway.errors import DeskgateError, SettingsError
from gateway.operations import env_file

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.accounts import Account
    from gateway.app import Deskgate
    from gateway.settings import ServerSettings, Settings

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0 for good, 1 for a finding, 2 for a mistake in how it was called."""
    # One thread of linear algebra a process: the matrices are small, and more threads only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    options = make_parser().parse_args(arguments)
    if hasattr(options, "config"):
        for problem in env_file.read_into(os.environ, options.config):
            print(f"note: {problem}", file=sys.stderr)
    command: Command = options.command
    try:
        return command(options)
    except SettingsError as error:
        print("Deskgate cannot start:", *error.problems, sep="\n  ", file=sys.stderr)
        return 1
    except DeskgateError as error:
        print(f"deskgate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def make_parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    parser = argparse.ArgumentParser(prog="deskgate", description="A front door for customer support.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    cli_init.register(commands)

    serve = commands.add_parser("serve", help="run Deskgate until it is stopped")
    _config_option(serve)
    serve.add_argument("--log", choices=("text", "json"), default="text", help="how log lines look")
    serve.add_argument(
        "--demo", action="store_true", help="play customers on a fast clock, apart from everything real"
    )
    serve.add_argument(
        "--speed", type=float, default=60.0, metavar="N", help="with --demo: how fast time runs (default: 60)"
    )
    serve.set_defaults(command=_serve)

    check = commands.add_parser(
        "check", help="check settings and articles as a start would, without starting"
    )
    _config_option(check)
    check.set_defaults(command=_check)

    ask = commands.add_parser("ask", help="ask the knowledge base, without any settings")
    ask.add_argument("text", nargs="*", help="the question; may be a whole plain-text mail")
    ask.add_argument("--kb", type=Path, default=Path("kb_articles"), help="folder of articles")
    ask.add_argument("--lang", default=None, help="language of the question, when known")
    ask.add_argument("--jsonl", action="store_true", help='read {"id", "text"} lines, write one line each')
    ask.add_argument("--explain", action="store_true", help="with --jsonl: say why, too (TEXT always does)")
    ask.add_argument("--plain", action="store_true", help="leave out the encoders of the [semantic] extra")
    ask.set_defaults(command=_ask)

    mail = commands.add_parser("mail", help="look at mails").add_subparsers(required=True, metavar="COMMAND")
    parse = mail.add_parser("parse", help="what Deskgate reads in mail files")
    parse.add_argument("files", nargs="+", metavar="FILE")
    parse.add_argument("--jsonl", action="store_true", help="one line of JSON a mail (the only form)")
    parse.set_defaults(command=_mail_parse)
    cli_mail.register(mail, _config_option)

    ledger = commands.add_parser("ledger", help="look at what came in").add_subparsers(
        required=True, metavar="COMMAND"
    )
    count = ledger.add_parser("check", help="whether everything acknowledged is accounted for")
    _config_option(count)
    count.set_defaults(command=_ledger_check)

    cli_kb.register(commands, _config_option)
    cli_triage.register(commands, _config_option)
    cli_connectors.register(commands)
    cli_api.register(commands, _config_option)
    cli_rules.register(commands, _config_option)
    cli_simulate.register(commands, _config_option)
    cli_mail.register_quarantine(commands, _config_option)
    cli_tickets.register(commands, _config_option)
    cli_people.register(commands, _config_option)
    cli_sla.register(commands, _config_option)
    cli_dial.register(commands, _config_option)
    cli_doctor.register(commands, _config_option)
    cli_slack.register(commands)
    cli_operations.register(commands, _config_option)
    cli_key.register(commands, _config_option)
    cli_dead.register(commands, _config_option)
    cli_publish.register(commands, _config_option)
    return parser


def _config_option(parser: argparse.ArgumentParser) -> None:
    default = Path(os.environ.get("DESKGATE_CONFIG", "config.toml"))
    parser.add_argument(
        "--config", type=Path, default=default, metavar="FILE", help="settings (default: config.toml)"
    )


# ---------------------------------------------------------------- serve


def _serve(options: argparse.Namespace) -> int:
    from gateway.app import Deskgate
    from gateway.operations.logs import set_up
    from gateway.startup import published, read_settings, sample_problems

    set_up(options.log)
    settings, accounts = read_settings(options.config, os.environ)
    for problem in sample_problems(settings, accounts):
        print(f"note: {problem}", file=sys.stderr)
    _use_uvloop()
    if options.demo:
        return _serve_demo(settings, accounts, options.speed)
    content = asyncio.run(published(settings))
    try:
        deskgate = Deskgate(settings, accounts, content=content)
        asyncio.run(_run(deskgate, deskgate.web_app()))
    finally:
        content.close()
    return 0


def _serve_demo(settings: Settings, accounts: list[Account], speed: float) -> int:
    from gateway.simulation.demo import Demo

    with tempfile.TemporaryDirectory(prefix="deskgate-demo-") as folder:
        demo = Demo(settings, accounts, Path(folder), max(1.0, speed))
        asyncio.run(_run(demo.deskgate, demo.web_app(), demo.says()))
    return 0


def settle() -> None:
    """What was read at the start lives as long as the process: a collection that looks at it stops all for 0.1 s."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.001)


def _use_uvloop() -> None:
    try:
        import uvloop
    except ImportError:
        return
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


async def _run(deskgate: Deskgate, app: web.Application, demo: str = "") -> None:
    from aiohttp import web

    server = deskgate.settings.server
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await runner.setup()
    settle()
    try:
        await _listen(web.TCPSite(runner, server.host, server.port), server)
        await _welcome(deskgate, runner.addresses[0][1], demo)
        await stop.wait()
    finally:
        await runner.cleanup()


async def _listen(site: web.TCPSite, server: ServerSettings) -> None:
    try:
        await site.start()
    except OSError as error:
        what = f"server.port: {server.host}:{server.port} cannot be listened on ({error.strerror or error})."
        raise SettingsError([f"{what} Stop what uses it, or change it."]) from error


async def _welcome(deskgate: Deskgate, port: int, demo: str) -> None:
    base = deskgate.settings.site.public_url or f"http://127.0.0.1:{port}"
    lines = [
        "",
        f"  Deskgate is running for {deskgate.policy.company}.",
        *([f"  {demo}"] if demo else []),
        "",
        f"  Start page   {base}/",
        f"  Web chat     {base}/chat",
        f"  Help centre  {base}/help",
    ]
    if link := await deskgate.first_link():
        lines += [
            f"  Your desk    {base}{link}",
            "               (this link works once and makes you the admin)",
        ]
    else:
        lines += [f"  The desk     {base}/desk   (a new link: deskgate sign-in)"]
    for account in deskgate.accounts if not demo else ():
        if account.kind == "email":
            address, listen = account.settings.address, account.settings.listen  # type: ignore[attr-defined]
            lines.append(f"  Mail         to {address}" + (f" by SMTP at {listen}" if listen else ""))
    print(*lines, "", "  Stop with Ctrl+C.", "", sep="\n", flush=True)


# ---------------------------------------------------------------- looking


def _check(options: argparse.Namespace) -> int:
    from bot.articles import load
    from gateway import canned, words
    from gateway.operations.doctor import unheard
    from gateway.startup import read_settings, sample_problems
    from gateway.triage.rulebook import Rulebook

    settings, accounts = read_settings(options.config, os.environ)
    words.load(own=settings.brand.words, informal=settings.brand.informal)
    Rulebook(settings.rules.file, settings.queues, settings.sla)
    shelf = canned.load(settings.desk.canned, settings.queues)
    library = load(settings.bot.articles)
    broken = [*(f"{p.path}: {p.problem} {p.remedy}" for p in library.problems), *shelf.problems]
    problems = broken + sample_problems(settings, accounts)
    for note in unheard(settings):
        print(f"note: {note}")
    for problem in problems:
        print(problem)
    for door in cli_rules.doors(settings, accounts):
        print(f"as intended: {door}")
    print(
        f"{options.config}: {len(accounts)} accounts, {len(settings.queues)} queues, "
        f"{len(library.articles)} articles: " + (f"{len(problems)} to look at." if problems else "all good.")
    )
    return 1 if broken else 0


def _ask(options: argparse.Namespace) -> int:
    from bot.ask import main as ask

    if options.jsonl and options.explain:
        return cli_kb.explain(options.kb, options.lang)
    arguments = ["--kb", str(options.kb), *(["--lang", options.lang] if options.lang else [])]
    arguments += ["--plain"] if options.plain else []
    return ask([*arguments, *(["--jsonl"] if options.jsonl else []), *options.text])


def _mail_parse(options: argparse.Namespace) -> int:
    from connectors.email.parse_cli import mail_lines

    for line in mail_lines(options.files):
        print(line)
    return 0


def _ledger_check(options: argparse.Namespace) -> int:
    from gateway.settings import load
    from gateway.store import Store, open_driver

    async def count() -> int:
        store = Store(open_driver(load(options.config, os.environ).store.database))
        await store.open()
        try:
            found = await store.ledger_count()
        finally:
            await store.close()
        names = ("acknowledged", "accepted", "duplicates", "quarantined", "dead", "pending")
        print(json.dumps({**{name: getattr(found, name) for name in names}, "adds_up": found.adds_up}))
        return 0 if found.adds_up else 1

    return asyncio.run(count())
