"""Help and glossary as blocks, wherever they are asked for."""

from __future__ import annotations

from difflib import get_close_matches

from connectors.slack.blocks import Block, brief, context, section
from connectors.slack.help_texts import COMMANDS, FILTERS, FIRST_STEPS
from gateway.glossary import GLOSSARY


def help_blocks() -> list[Block]:
    lines = "\n".join(f"`/deskgate {name}`: {what}" for name, what in COMMANDS)
    steps = section("\n".join(FIRST_STEPS[1:]))
    later = context("Meant for the customer after all? The message's menu (⋮) has **Send to customer**.")
    narrow = context(f"Searches narrow with {FILTERS}")
    return [section("**How it works**"), steps, later, section(f"**The command**\n{lines}"), narrow]


def glossary_blocks(word: str = "") -> list[Block]:
    """One word's meaning, or all of them."""
    wanted = word.strip().lower()
    known = {name.lower(): name for name in GLOSSARY}
    if wanted:
        near = get_close_matches(wanted, list(known), 3, 0.6)
        names = [known[each] for each in ([wanted] if wanted in known else near)]
        if not names:
            return [
                section(f"There is no entry for “{brief(word, 60)}”."),
                context(", ".join(GLOSSARY)),
            ]
        return [section(f"**{name}**: {GLOSSARY[name]}") for name in names]
    lines = [f"**{name}**: {what}" for name, what in GLOSSARY.items()]
    return [section("\n".join(lines[start : start + 10])) for start in range(0, len(lines), 10)]
