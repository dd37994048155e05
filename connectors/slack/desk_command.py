"""What agents get for the slash command."""

from __future__ import annotations

from typing import Any

from connectors.slack.payloads import SlashCommand
from connectors.slack.people import Person
from gateway.connector import Host


class DeskCommand:
    """`/deskgate` of an agent; everybody else is told where to ask."""

    def __init__(self, account: str, host: Host) -> None:
        self._account, self._host = account, host

    async def __call__(self, said: SlashCommand, person: Person) -> dict[str, Any]:
        """The message that this person alone sees. Raises StoreError."""
        agent = await self._host.directory.agent_of(person.identity)
        if person.refusal or agent is None:
            line = (
                person.refusal
                or "You are no agent of this desk. To ask something, write to the app directly."
            )
        else:
            line = f"The desk: {self._host.public_url}/desk"
        return {"response_type": "ephemeral", "text": line}
