"""`deskgate rules test` and `deskgate words preview`: what admins try before they change rules or words."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.accounts import Account
    from gateway.settings import Settings


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds the commands of this file."""
    rules = commands.add_parser("rules", help="try the triage rules").add_subparsers(
        required=True, metavar="COMMAND"
    )
    test = rules.add_parser(
        "test", help="put a file of messages to the rules; exit code 1 when one does not go where it should"
    )
    test.add_argument(
        "file", type=Path, metavar="FILE", help='lines of {"text", "expect": {"queue", "rule", …}}'
    )
    test.add_argument(
        "--rules", type=Path, default=None, help="rules to try instead of those of the settings"
    )
    test.add_argument("--json", action="store_true", help="one line of JSON")
    config_option(test)
    test.set_defaults(command=_test)

    words = commands.add_parser("words", help="look at the automatic words").add_subparsers(
        required=True, metavar="COMMAND"
    )
    preview = words.add_parser("preview", help="every automatic message by language and channel, on one page")
    preview.add_argument(
        "--out",
        type=Path,
        default=Path("var/preview/words.html"),
        help="HTML file to write (default: var/preview/)",
    )
    config_option(preview)
    preview.set_defaults(command=_preview)


def doors(settings: Settings, accounts: list[Account]) -> list[str]:
    """Where the configuration treats the same words differently by door; for `deskgate check`."""
    from gateway.policy_making import make_policy
    from gateway.privacy import Seal
    from gateway.triage.parity import named_doors
    from gateway.triage.rulebook import Rulebook

    seal = Seal(b"\0" * 32)
    rules = Rulebook(settings.rules.file, settings.queues).rules
    connected = {each.key: each.connect(seal) for each in accounts}
    return named_doors(
        make_policy(settings, accounts, connected, seal, rules), settings.model_dump(mode="json")
    )


def _test(options: argparse.Namespace) -> int:
    import msgspec

    from gateway.cli.triage import as_configured
    from gateway.triage import rules as ruling
    from gateway.triage import trial

    cases = trial.read(options.file)
    policy, bot = as_configured(options)
    if options.rules:
        policy = msgspec.structs.replace(policy, rules=ruling.load(options.rules, policy.queues))
    judged = list(trial.run(cases, policy, bot))
    wrong, unmet = [each for each in judged if each.wrong], trial.untried(judged, policy)
    if options.json:
        lines = [{"line": each.case.line, "wrong": each.wrong, "rule": each.got["rule"]} for each in wrong]
        print(json.dumps({"cases": len(judged), "wrong": lines, "untried": unmet}, ensure_ascii=False))
        return 1 if wrong else 0
    for each in wrong:
        decided = f"rule {each.got['rule']!r}" if each.got["rule"] else "no rule"
        print(f"{options.file}:{each.case.line}: {'; '.join(each.wrong)} ({decided} decided)")
    if unmet:
        print(f"no case meets {len(unmet)} of {len(policy.rules.rules)} rules: {', '.join(unmet)}")
    print(f"{'not passed' if wrong else 'passed'}: {len(judged) - len(wrong)} of {len(judged)} as expected.")
    return 1 if wrong else 0


def _preview(options: argparse.Namespace) -> int:
    from gateway import words
    from gateway.kb.preview import Shop
    from gateway.settings import load
    from gateway.words.preview import sheet

    shop, spoken = Shop(languages=("en",)), words.load
    if options.config.exists():
        settings = load(options.config, os.environ)
        site, brand = settings.site, settings.brand
        spoken = partial(words.load, own=brand.words, informal=brand.informal)
        shop = Shop(company=site.company, bot_name=site.bot_name, languages=site.languages)
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(sheet(spoken(), shop), "utf-8")
    except OSError as error:
        print(
            f"{options.out} cannot be written ({error.strerror}). Name another file with --out.",
            file=sys.stderr,
        )
        return 1
    print(options.out)
    return 0
