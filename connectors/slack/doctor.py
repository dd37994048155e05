"""What is wrong with the link to Slack, and what to do about it: asked by hand; what it posts it deletes again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from connectors.slack.manifest import SCOPES, lacking
from connectors.slack.queue_channels import troubles
from connectors.slack.sending import QUIET, REMEDIES
from connectors.slack.settings import Settings
from connectors.slack.socket_mode import REMEDIES as SOCKET_REMEDIES
from connectors.slack.webapi import FAILURES, SlackError, WebApi
from gateway.connector import QueuePlace
from gateway.operations.findings import Finding, error, ok, warning
from gateway.text.hosts import is_loopback

log = logging.getLogger(__name__)

AGAIN = "Paste the manifest of `deskgate slack manifest` again and install the app again."


async def examine(
    account: str, settings: Settings, public_url: str, places: Sequence[QueuePlace] = ()
) -> list[Finding]:
    """Asks Slack about the token, its permissions, the way in, and each queue's channel. Raises nothing."""
    api = WebApi(settings)
    await api.open()
    try:
        found = await _token(api, settings)
        if any(finding.level == "error" for finding in found):
            return found
        found += _permissions(api)
        found += await _way_in(api, settings, public_url, account)
        for channel in dict.fromkeys(place.address.conversation for place in places):
            found += await _channel(api, channel, [p for p in places if p.address.conversation == channel])
        return found
    finally:
        await api.close()


async def _token(api: WebApi, settings: Settings) -> list[Finding]:
    try:
        answer = await api.call("auth.test", {})
    except FAILURES as failure:
        return [_failed("Slack refuses the bot's token", failure)]
    team, name = str(answer.get("team_id") or ""), str(answer.get("team") or "")
    found = [ok(f"The bot's token is of the workspace {name} ({team}).")]
    if settings.team_id and team != settings.team_id:
        found.append(
            error(f"team_id is {settings.team_id}, the token's workspace is {team}.", "Correct team_id.")
        )
    return found


def _permissions(api: WebApi) -> list[Finding]:
    """Granted scopes come with every answer (docs.slack.dev/authentication, "X-OAuth-Scopes")."""
    if not api.scopes:
        return [warning("Slack does not say which permissions the app has.", "")]
    missing = lacking(api.scopes)
    if not missing:
        return [ok(f"The app has all {len(SCOPES)} permissions.")]
    return [error(f"The app lacks {scope}: {SCOPES[scope].without}.", AGAIN) for scope in missing]


async def _way_in(api: WebApi, settings: Settings, public_url: str, account: str) -> list[Finding]:
    found = []
    if settings.app_token is not None:
        try:
            await api.call("apps.connections.open", {}, token=settings.app_token.get_secret_value())
            found.append(ok("Socket Mode is on: Deskgate calls Slack."))
        except FAILURES as failure:
            code = failure.code if isinstance(failure, SlackError) else ""
            found.append(
                error(f"Socket Mode does not work ({failure}).", SOCKET_REMEDIES.get(code, "Try again."))
            )
    if settings.signing_secret is not None:
        found += _public(f"{public_url}/slack/{account}/events", socket=settings.app_token is not None)
    return found


def _public(url: str, *, socket: bool) -> list[Finding]:
    parts = urlsplit(url)
    if parts.scheme == "https" and not is_loopback(parts.hostname or ""):
        return [ok(f"Slack is to call {url}; the app's page Event Subscriptions says whether it can.")]
    remedy = "Set site.public_url to an https address, or use Socket Mode (app_token)."
    return [] if socket else [error("Slack cannot call this machine.", remedy)]


async def _channel(api: WebApi, channel: str, places: list[QueuePlace]) -> list[Finding]:
    titles = ", ".join(place.title for place in places)
    try:
        answer = await api.form("conversations.info", {"channel": channel})
    except FAILURES as failure:
        return [_failed(f"The channel {channel} of {titles} cannot be looked at", failure)]
    shown = answer.get("channel")
    found: dict[str, Any] = shown if isinstance(shown, dict) else {}
    if not found.get("is_member"):
        return [
            error(f"The app is not in the channel {channel} of {titles}.", "Write /invite @Deskgate there.")
        ]
    if found.get("is_archived"):
        return [error(f"The channel {channel} of {titles} is archived.", "Unarchive it, or name another.")]
    refused = troubles(found, places, titles)
    if refused:
        return [error(line, "") for line in refused]
    return [await _card(api, channel, titles)]


async def _card(api: WebApi, channel: str, titles: str) -> Finding:
    """A card is posted and deleted at once."""
    text = "Deskgate tests whether it may post here; this line goes away by itself."
    try:
        posted = await api.call("chat.postMessage", {"channel": channel, "text": text, **QUIET})
        await api.call("chat.delete", {"channel": channel, "ts": str(posted.get("ts") or "")})
    except FAILURES as failure:
        return _failed(f"No card can be posted in {channel} ({titles})", failure)
    return ok(f"A card was posted in {channel} ({titles}) and deleted again.")


def _failed(what: str, failure: Exception) -> Finding:
    if isinstance(failure, SlackError):
        needed = f", needs {failure.needed}" if failure.needed else ""
        return error(f"{what}: {failure.code or failure.status}{needed}.", REMEDIES.get(failure.code, AGAIN))
    return error(
        f"{what}: Slack does not answer ({type(failure).__name__}).", "Check the network and api_url."
    )
