"""Commands for those who write the articles: kb check, test, publish, preview, import; for people and for CI."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway.cli import backtest as cli_backtest
from gateway.cli import kb_answers as cli_kb_answers
from gateway.errors import SettingsError
from gateway.kb import Progress, Unusable

if TYPE_CHECKING:
    from bot.articles import Article, Library
    from bot.evaluate import Outcome
    from gateway.kb.trial import Change, Tally
    from gateway.settings import Settings

ConfigOption = Callable[[argparse.ArgumentParser], None]
QUESTIONS = "test_questions.jsonl"


def register(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], config_option: ConfigOption
) -> None:
    """Adds `kb` with its subcommands to the command line."""
    kb = commands.add_parser("kb", help="tools for those who write the articles").add_subparsers(
        required=True, metavar="COMMAND"
    )
    _register_check(kb, config_option)
    _register_test(kb)
    preview = kb.add_parser("preview", help="show an answer as mail, Slack, Telegram, chat and help page")
    preview.add_argument("file", type=Path, help="an article's file, live or draft")
    preview.add_argument("--out", type=Path, default=None, help="HTML file to write (default: var/preview/)")
    config_option(preview)
    preview.set_defaults(command=_preview)
    taken = kb.add_parser("import", help="make drafts of a CSV, HTML or Markdown pages, or a Zendesk export")
    taken.add_argument(
        "source", type=Path, help=".csv, .tsv, .html, .md, Zendesk .json, or a folder of pages"
    )
    taken.add_argument("--to", type=Path, default=Path("kb_articles/drafts"), help="folder for the drafts")
    taken.add_argument("--encoding", default="", help="of the source, when it is not UTF-8")
    taken.set_defaults(command=_import)
    _register_publish(kb)
    cli_kb_answers.register(kb, config_option)
    cli_backtest.register(kb, config_option, cli_kb_answers.since_option)


def _register_check(
    kb: argparse._SubParsersAction[argparse.ArgumentParser], config_option: ConfigOption
) -> None:
    check = kb.add_parser("check", help="find what is wrong with the articles; exit code 1 on errors")
    _kb_option(check)
    check.add_argument("--quick", action="store_true", help="leave out what needs the matcher to be trained")
    check.add_argument("--today", type=_date, default=None, help="judge dates as of this day (2027-03-31)")
    config_option(check)
    check.set_defaults(command=_check)


def _register_test(kb: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from gateway.kb.trial import ENOUGH

    test = kb.add_parser("test", help="put a file of questions to the bot; exit code 1 when it does not pass")
    test.add_argument(
        "file", nargs="?", type=Path, help=f"JSON lines (default: {QUESTIONS} beside the articles)"
    )
    _kb_option(test)
    test.add_argument(
        "--answered", type=_share, default=ENOUGH, metavar="SHARE",
        help=f"share of the answerable questions that must be answered (default {ENOUGH})",
    )  # fmt: skip
    test.add_argument("--wrong", type=int, default=0, metavar="N", help="wrong answers allowed (default 0)")
    test.add_argument(
        "--with", dest="draft", type=Path, metavar="DRAFT", help="what publishing it would change"
    )
    test.add_argument("--quiet", action="store_true", help="only the figures, not each silent question")
    test.add_argument("--json", action="store_true", help="one line of JSON instead of the report")
    test.set_defaults(command=_test)


def _register_publish(kb: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    publish = kb.add_parser("publish", help="put a draft among the articles, showing which answers change")
    publish.add_argument("draft", type=Path, help="the draft's file")
    _kb_option(publish)
    publish.add_argument("--replace", action="store_true", help="in the place of the article of its name")
    publish.add_argument("--anyway", action="store_true", help="even if answers get worse")
    publish.add_argument("--dry-run", action="store_true", help="only show what would change")
    publish.set_defaults(command=_publish)


def _kb_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"), help="folder of articles")


# ---------------------------------------------------------------- ask


def explain(folder: Path, language: str | None) -> int:
    """Answers questions on standard input as `ask --jsonl` does, each with its reasons."""
    from bot.answer import Bot
    from gateway.kb.explaining import explained_lines

    try:
        for line in explained_lines(Bot.build(_library(folder)).train().deepen(), sys.stdin, language):
            print(line)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


# ---------------------------------------------------------------- check


def _check(options: argparse.Namespace) -> int:
    from gateway.clock import SystemClock
    from gateway.kb.check import check, is_good

    settings = _settings(options.config)
    today = options.today or SystemClock().now().date()
    library, findings = check(
        options.kb,
        today,
        queues=set(settings.queues) if settings else None,
        matcher=not options.quick,
        progress=progress("Asking each article's questions"),
    )
    for finding in findings:
        print(finding)
    errors = sum(finding.severity == "error" for finding in findings)
    print(
        f"{options.kb}: {len(library.articles)} articles, "
        + (f"{errors} errors, {len(findings) - errors} warnings." if findings else "all good.")
    )
    return 0 if is_good(findings) else 1


def _settings(config: Path) -> Settings | None:
    """The settings where there are any; a mistake in them is `deskgate check`'s to tell."""
    from gateway.settings import load

    if not config.is_file():
        return None
    try:
        return load(config, os.environ)
    except SettingsError as error:
        print(f"note: {config} was not used: {error.problems[0]}", file=sys.stderr)
        return None


# ---------------------------------------------------------------- test


def _test(options: argparse.Namespace) -> int:
    from bot.answer import Bot
    from gateway.kb import preview, trial

    library = _library(options.kb)
    file = options.file or options.kb / QUESTIONS
    after = trial.with_draft(library, preview.read(options.draft)) if options.draft else library
    cases = trial.read(file, after)
    outcomes = trial.run(Bot.build(after).train().deepen(), cases, progress("Asking"))
    if options.draft and not options.json:
        before = trial.run(Bot.build(library).train().deepen(), cases, progress("Asking without the draft"))
        _print_changes(trial.changes(before, outcomes))
    total = trial.tally(outcomes)
    reasons = trial.verdict(total, enough=options.answered, wrong=options.wrong)
    if options.json:
        languages = {k: msgspec.to_builtins(v) for k, v in trial.by_language(outcomes).items()}
        shown = {**msgspec.to_builtins(total), "languages": languages, "passed": not reasons}
        print(msgspec.json.encode(shown).decode())
        return 1 if reasons else 0
    _print_misses(outcomes, quiet=options.quiet)
    _print_figures({**trial.by_language(outcomes), "all": total})
    for reason in reasons:
        print(f"not passed: {reason}")
    if not reasons:
        print(
            f"passed: {total.answered:.0%} of the answerable questions answered, {total.wrong} wrong answers."
        )
    return 1 if reasons else 0


def _library(folder: Path) -> Library:
    from bot.articles import load

    library = load(folder)
    for problem in library.problems:
        print(f"note: {problem.path}: {problem.problem} {problem.remedy}", file=sys.stderr)
    if not library.articles:
        raise Unusable(f"{folder} has no articles that can be read. Name their folder with --kb.")
    return library


def _print_misses(outcomes: list[Outcome], *, quiet: bool) -> None:
    from bot.evaluate import wanted
    from gateway.kb.trial import said

    for outcome in sorted(outcomes, key=lambda o: not o.wrong_answer):
        expected = wanted(outcome.case) or "a person"
        if outcome.right or (quiet and not outcome.wrong_answer):
            continue
        kind = "WRONG " if outcome.wrong_answer else "silent"
        offered = ", offered" if outcome.offered and outcome.action == "clarify" else ""
        print(
            f"{kind} {said(outcome)} ({outcome.confidence:.2f}{offered}), expected {expected}: "
            f"{_short(outcome.case.text)}"
        )


def _print_figures(rows: dict[str, Tally]) -> None:
    print(f"{'language':10} asked  answerable  answered  offered  silent  wrong  handed off  precision")
    for language, t in rows.items():
        print(
            f"{language or '-':10} {t.asked:5}  {t.answerable:10}  {t.right:4} {t.answered:4.0%} {t.offered:8} "
            f"{t.silent:7} {t.wrong:6} {t.handed:11} {t.precision:10.1%}"
        )


def _print_changes(found: list[Change]) -> None:
    print(f"Publishing it changes {len(found)} outcomes:")
    for change in found:
        mark = {True: "better", False: "WORSE ", None: "other "}[change.better]
        print(f"  {mark} {change.before} -> {change.after}: {_short(change.case.text)}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:99] + "…"


# ---------------------------------------------------------------- publish


def _publish(options: argparse.Namespace) -> int:
    from gateway.clock import SystemClock
    from gateway.kb import preview
    from gateway.kb.publishing import new_errors, put

    article = preview.read(options.draft)
    library = _library(options.kb)
    if library.get(article.name) and not options.replace:
        raise Unusable(
            f"{article.name} is among the articles already. Say --replace to put the draft in its place."
        )
    findings = new_errors(options.draft, options.kb, SystemClock().now().date())
    for finding in findings:
        print(finding)
    changed = _changes(library, article, options.kb / QUESTIONS)
    _print_changes(changed)
    bad = any(f.severity == "error" for f in findings) or any(change.better is False for change in changed)
    if bad and not options.anyway:
        print("not published: mend what is said above, or say --anyway.")
        return 1
    if not options.dry_run:
        print(f"published: {put(options.draft, options.kb, replace=options.replace)}")
    return 0


def _changes(library: Library, article: Article, questions: Path) -> list[Change]:
    from bot.answer import Bot
    from gateway.kb import trial

    if not questions.is_file():
        print(f"note: there is no {questions}, so no answers were compared.", file=sys.stderr)
        return []
    after = trial.with_draft(library, article)
    cases = trial.read(questions, after)
    before = trial.run(Bot.build(library).train().deepen(), cases, progress("Asking as it is"))
    return trial.changes(
        before, trial.run(Bot.build(after).train().deepen(), cases, progress("Asking with the draft"))
    )


# ---------------------------------------------------------------- preview and import


def _preview(options: argparse.Namespace) -> int:
    from gateway import words
    from gateway.clock import SystemClock
    from gateway.kb.preview import Shop, read, sheet

    article = read(options.file)
    settings, shop = _settings(options.config), Shop()
    if settings:
        site = settings.site
        shop = Shop(
            company=site.company,
            bot_name=site.bot_name,
            public_url=site.public_url or shop.public_url,
            languages=site.languages,
        )
    out = options.out or Path("var/preview") / f"{article.name}.html"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(sheet(article, shop, words.load(), SystemClock().now()), "utf-8")
    except OSError as error:
        raise Unusable(
            f"{out} cannot be written ({error.strerror}). Name another file with --out."
        ) from error
    print(f"{article.name}@{article.revision}: open {out.resolve().as_uri()}")
    return 0


def _import(options: argparse.Namespace) -> int:
    from gateway.kb.importing import Taken, write_drafts
    from gateway.kb.sources import read

    taken = skipped = 0
    for done, each in enumerate(write_drafts(read(options.source, options.encoding), options.to), 1):
        if isinstance(each, Taken):
            taken += 1
            print(f"taken   {each.source} -> {each.path}" + "".join(f" {note}" for note in each.notes))
        else:
            skipped += 1
            print(f"skipped {each.source}: {each.why}")
        if done % 500 == 0:
            print(f"{done} read …", file=sys.stderr)
    print(f"{taken} taken, {skipped} skipped.")
    if taken:
        print(
            f"They are drafts in {options.to}: read each, add questions, remove `draft: true` and move it into the "
            f"folder of the articles. `deskgate kb check --kb {options.to}` says what is missing."
        )
    return 0 if taken else 1


# ---------------------------------------------------------------- shared


def progress(label: str) -> Progress:
    """Counts on the terminal while something is running; says nothing elsewhere."""

    def show(done: int, everything: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done >= everything else ""
            print(f"\r{label}: {done} of {everything}", end=end, file=sys.stderr, flush=True)

    return show


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write 2027-03-31") from None


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write a number from 0 to 1, such as 0.7")
    return share
