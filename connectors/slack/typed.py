"""What was entered in a form, as plain text by the fields' names."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.slack.memory import MAX_FILES
from connectors.slack.payloads import Entered, File, State


def entered(state: State | None) -> dict[str, str]:
    """Field name -> text; a choice is its value, a time is ISO 8601 in UTC. Files are not among them."""
    values = state.values if state else {}
    return {name: _text(each) for inner in values.values() for name, each in inner.items()}


def chosen_files(state: State | None) -> tuple[File, ...]:
    """The files that were put into a form."""
    values = state.values if state else {}
    found = (file for inner in values.values() for each in inner.values() for file in each.files or ())
    return tuple(file for file in found if file.id)[:MAX_FILES]


def block_of(state: State | None, name: str) -> str:
    """The id of the block in which this field stood."""
    values = state.values if state else {}
    return next((block for block, inner in values.items() if name in inner), name)


def _text(each: Entered) -> str:
    if each.selected_option is not None:
        return each.selected_option.value
    if each.selected_date_time:
        return datetime.fromtimestamp(each.selected_date_time, UTC).isoformat()
    return each.value or ""
