"""What a form must remember travels in it, so that it survives our restart: `private_metadata`, 3,000 characters.

Source: docs.slack.dev/reference/views/modal-views.
"""

from __future__ import annotations

import msgspec

from gateway.errors import InvalidPayload

MAX_METADATA = 3000
MAX_TYPED = 2850  #: characters of one reply, so that it fits into private_metadata beside the rest
MAX_FILES = 5  #: of one reply


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The ticket as the agent saw it, the card that the form was opened from, and what was entered so far.

    `attempt` counts refusals: sending once more after one is a new proposal, anything else is the same one.
    """

    ticket: int
    version: int = 0
    channel: str = ""
    thread: str = ""
    attempt: int = 0
    verb: str = ""  #: what the form is for, where its callback_id does not say
    source: int = 0  #: ledger id of the note that becomes the answer, with its files
    files: tuple[str, ...] = ()  #: Slack's ids of files to send along
    text: str = ""

    def packed(self) -> str:
        """One line of facts, then the text as it is: JSON would double its line breaks and quotes."""
        numbers = f"{self.ticket} {self.version} {self.channel} {self.thread} {self.attempt}"
        return f"{numbers} {self.verb} {self.source} {','.join(self.files)}\n{self.text}"

    @staticmethod
    def unpacked(packed: str) -> Memory:
        """The opposite of `packed`. Raises InvalidPayload."""
        line, _, text = packed.partition("\n")
        try:
            parts = line.split(" ")
            # Forms that were opened before an upgrade carried the first five only.
            ticket, version, channel, thread, attempt = parts[:5]
            verb, source, files = parts[5:] or ("", "0", "")
            return Memory(
                ticket=int(ticket),
                version=int(version),
                channel=channel,
                thread=thread,
                attempt=int(attempt),
                verb=verb,
                source=int(source),
                files=tuple(each for each in files.split(",") if each)[:MAX_FILES],
                text=text,
            )
        except ValueError as error:
            raise InvalidPayload("the form's private_metadata is not one of ours") from error
