"""What is left of an input when its sealed original is dropped: the masked copy, and the kinds it had. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.model import AgentAction, AnyInput, Edit, Identity, Message, Verb
from gateway.privacy.masking import mask
from gateway.triage.patterns import Pattern

#: What agents wrote that nobody reads unmasked. Their replies went out as they are, and stand on the ticket like that.
_NOTES = (Verb.NEW, Verb.NOTE)


def masked_copy(value: AnyInput, never: Sequence[Pattern] = ()) -> AnyInput:
    """The input with every value replaced by its kind; the same where nothing was masked."""
    match value:
        case Message():
            # A name is masked whatever it looks like elsewhere; only what is said decides where a ticket goes.
            fields = _masked(value, ("text", "full_text", "subject"), never)
            files = tuple(
                msgspec.structs.replace(f, filename=mask(f.filename).text) for f in value.attachments
            )
            return msgspec.structs.replace(value, **fields, sender=_named(value.sender), attachments=files)
        case Edit():
            return msgspec.structs.replace(
                value, **_masked(value, ("text",), never), sender=_named(value.sender)
            )
        case AgentAction(verb=verb) if verb in _NOTES:
            return msgspec.structs.replace(value, **_masked(value, ("text", "subject", "requester"), never))
        case _:
            return value


def _masked(value: Any, names: Sequence[str], never: Sequence[Pattern]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    kinds: set[str] = set(value.masked)
    for name in names:
        copy = mask(getattr(value, name), never)
        fields[name] = copy.text
        kinds |= {finding.kind for finding in copy.found}
    return {**fields, "masked": tuple(sorted(kinds))}


def _named(identity: Identity) -> Identity:
    return msgspec.structs.replace(identity, name=mask(identity.name).text)
