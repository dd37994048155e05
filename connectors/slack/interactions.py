"""What agents press and submit in Slack: slack-bolt tells the cases apart, the core decides each one.

Knows no HTTP: `handle` takes a payload already proven to be Slack's, so that Socket Mode can call it too.
"""

from __future__ import annotations

import logging
import re

import msgspec
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from connectors.slack import home, modals, offers, practice
from connectors.slack.acting import Core
from connectors.slack.buttons import AT_ONCE, ON_SENDS, Buttons
from connectors.slack.commands import Commands
from connectors.slack.forms import Forms
from connectors.slack.home import Home
from connectors.slack.offers import Offers
from connectors.slack.opening import Later, Opening
from connectors.slack.payloads import Interaction
from connectors.slack.people import People
from connectors.slack.practising import Practising
from connectors.slack.telling import whisper as whisper
from connectors.slack.webapi import WebApi
from connectors.slack.writing import Writing
from gateway.connector import Host
from gateway.errors import InvalidPayload
from gateway.model import Verb

log = logging.getLogger(__name__)


async def _authorize() -> AuthorizeResult:
    """No network: the signature has proven the workspace, and our own client sends what is sent."""
    return AuthorizeResult(enterprise_id=None, team_id=None)


class Interactions:
    """The listeners of one workspace."""

    def __init__(
        self, account: str, host: Host, api: WebApi, people: People, later: Later, file_limit: int = 5_000_000
    ) -> None:
        self._account = account
        core, writing, clock = Core(account, host, people), Writing(host.clock), host.clock
        opening = Opening(account, core, api, writing, later)
        self._buttons = Buttons(account, core, api, opening, later)
        self._forms = Forms(core, api, opening, writing, later, file_limit)
        self._practising = Practising(account, api, later)
        self.offers = Offers(account, core, api, opening, clock, later)
        self.home = Home(account, core, api, clock, host.public_url, later)
        self.commands = Commands(core, clock, host.public_url)
        self._bolt = self._listening()

    async def handle(self, interaction: Interaction) -> BoltResponse:
        """What to answer Slack: 200 with nothing or a form, 400 for what our buttons never carried."""
        # Bolt is given the checked fields only, and as parsed: the signature was looked at before parsing.
        request = AsyncBoltRequest(
            body=msgspec.to_builtins(interaction), mode="socket_mode", context={"interaction": interaction}
        )
        return await self._bolt.async_dispatch(request)

    def _listening(self) -> AsyncApp:
        bolt, buttons, forms = _bolt(), self._buttons, self._forms
        others = [verb for verb in Verb if verb not in (*AT_ONCE, *ON_SENDS)]
        bolt.action(_one_of(*AT_ONCE))(buttons.press)
        bolt.action(_one_of(*others))(buttons.open)
        bolt.action(_one_of(*ON_SENDS))(buttons.on_send)
        bolt.action(modals.MORE)(buttons.more)
        bolt.action(modals.READ)(buttons.read)
        bolt.action(modals.EDIT_SUGGESTION)(buttons.edit_suggestion)
        bolt.action(re.compile(f"^{modals.PICK}"))(buttons.pick)
        bolt.action(modals.CANNED)(buttons.canned)
        bolt.action(modals.EDIT)(buttons.edit)
        bolt.action(_one_of(offers.SEND, offers.DISMISS))(self.offers.press)
        bolt.action(re.compile(f"^{practice.PREFIX}"))(self._practising.press)
        bolt.action(re.compile(f"^{home.PREFIX}"))(self.home.press)
        bolt.action(re.compile(""))(self._ignore)
        bolt.view(_one_of(*Verb))(forms.submit)
        bolt.view(modals.PREVIEW)(forms.send)
        bolt.view(_one_of(practice.NOTE, practice.PREVIEW))(self._practising.write)
        bolt.view(practice.SEND)(self._practising.send)
        bolt.view(re.compile(""))(self._ignore)
        bolt.shortcut(offers.SHORTCUT)(self.offers.shortcut)
        bolt.shortcut(re.compile(""))(self._ignore)
        bolt.error(self._failed)
        return bolt

    async def _ignore(self, ack: AsyncAck) -> None:
        await ack()

    async def _failed(self, error: Exception) -> BoltResponse:
        if isinstance(error, InvalidPayload):
            log.warning("slack interaction refused account=%s error=%s", self._account, error)
            return BoltResponse(status=400, body="")
        log.error("slack interaction failed account=%s", self._account, exc_info=error)
        return BoltResponse(status=500, body="")


def _bolt() -> AsyncApp:
    quiet = logging.getLogger("slack_bolt.deskgate")
    quiet.setLevel(logging.WARNING)  # below that, bolt logs what people typed
    return AsyncApp(
        logger=quiet,
        authorize=_authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )


def _one_of(*names: str) -> re.Pattern[str]:
    return re.compile(f"^({'|'.join(map(re.escape, names))})$")
