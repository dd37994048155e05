"""`deskgate simulate`: a script through the real path in simulated time, and what another configuration would do."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.simulation.script import Step
    from gateway.simulation.telling import Line


def register(commands: Any, config_option: Callable[[argparse.ArgumentParser], None]) -> None:
    """Adds the commands of this file."""
    simulate = commands.add_parser(
        "simulate", help="play a script of messages and agents in simulated time; nothing is sent"
    )
    simulate.add_argument("script", metavar="SCRIPT.jsonl", help="what happens when; - reads standard input")
    config_option(simulate)
    simulate.add_argument("--db", type=Path, metavar="FILE", help="keep what happened in this SQLite file")
    simulate.add_argument(
        "--diff", type=Path, metavar="OTHER.toml", help="only what this configuration would do differently"
    )
    simulate.set_defaults(command=_simulate)


def _simulate(options: argparse.Namespace) -> int:
    from gateway.simulation.recorder import channels
    from gateway.simulation.script import ScriptError, read_script

    where = "standard input" if options.script == "-" else options.script
    try:
        steps = read_script(_text(options.script), where, channels())
        if options.diff:
            return asyncio.run(_diff(options, steps, where))
        return asyncio.run(_play(options, steps, where))
    except ScriptError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError) as error:
        print(f"{where}: cannot be read: {error}. Give a file of JSON lines in UTF-8.", file=sys.stderr)
        return 1


def _text(script: str) -> str:
    return sys.stdin.read() if script == "-" else Path(script).read_text("utf-8")


async def _play(options: argparse.Namespace, steps: list[Step], where: str) -> int:
    from gateway.simulation.stage import stage

    problems = 0
    async with stage(options.config, steps, where, database=options.db) as played:
        for step in steps:
            problems += _write(await played.play(step))
        problems += _write(await played.finish())
    return 1 if problems else 0


def _write(lines: list[Line]) -> int:
    """Prints the lines; how many of them are mistakes in the script, which standard error names too."""
    import msgspec

    problems = [line.text for line in lines if line.kind == "problem"]
    for line in lines:
        print(msgspec.json.encode(line).decode(), flush=True)
    for problem in problems:
        print(problem, file=sys.stderr)
    return len(problems)


async def _diff(options: argparse.Namespace, steps: list[Step], where: str) -> int:
    import msgspec

    from gateway.simulation.difference import differences

    names = (str(options.config), str(options.diff))
    one = await _whole(options.config, steps, where, options.db)
    other = await _whole(options.diff, steps, where, None)
    found = list(differences(one, other, names))
    for each in found:
        head = {"only_in": each.only_in, "script_line": each.script_line}
        print(msgspec.json.encode({**head, **msgspec.to_builtins(each.line)}).decode())
    print(f"{len(found)} lines differ between {names[0]} and {names[1]}.", file=sys.stderr)
    return 0


async def _whole(
    config: Path, steps: list[Step], where: str, database: Path | None
) -> list[tuple[int, list[Line]]]:
    from gateway.simulation.stage import stage

    async with stage(config, steps, where, database=database) as played:
        told = [(step.line, await played.play(step)) for step in steps]
        return [*told, (steps[-1].line, await played.finish())]
