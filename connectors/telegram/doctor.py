"""What is wrong with the link to Telegram, and what to do about it: asked by hand, changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.telegram.settings import Mode, Settings
from gateway.operations.findings import Finding, error, ok, warning
from gateway.text.hosts import is_loopback

#: Ports that Telegram calls (core.telegram.org/bots/webhooks#the-short-version).
PORTS = (None, 443, 80, 88, 8443)
#: Updates that are waiting beyond which something is slow or stopped.
MANY = 100


async def examine(account: str, settings: Settings, public_url: str) -> list[Finding]:
    """Asks Telegram about the bot and its webhook. Raises nothing: what fails is a finding."""
    from connectors.telegram.botapi import BotApi, InvalidToken, TelegramError

    api = BotApi(settings)
    try:
        me, hook = await api.call("getMe"), await api.call("getWebhookInfo")
    except InvalidToken:
        return [error("Telegram refuses the token.", "Ask BotFather for the current one and set bot_token.")]
    except TelegramError as failure:
        return [
            error(f"Telegram does not answer ({type(failure).__name__}).", "Check the network and api_url.")
        ]
    finally:
        await api.close_connections()
    ours = f"{public_url}/telegram/{account}"
    return [*of_bot(me, settings), *of_way(hook, settings, ours), *of_webhook(hook)]


def of_bot(me: Mapping[str, Any], settings: Settings) -> list[Finding]:
    """Its name, and what it may hear in groups (core.telegram.org/bots/features#privacy-mode)."""
    found = [ok(f"The bot is @{me.get('username')}.")]
    if not settings.groups:
        return found
    if not me.get("can_join_groups", False):
        found.append(
            warning("It cannot be added to groups.", "BotFather: /setjoingroups, or set groups = false.")
        )
    elif me.get("can_read_all_group_messages", False):
        found.append(ok("Group privacy is off: it hears mentions in groups; other messages are not kept."))
    else:
        found.append(
            warning(
                "Group privacy is on: in groups it hears commands and replies to it, mentions not surely.",
                "BotFather: /setprivacy, Disable; then add the bot to the group again.",
            )
        )
    return found


def of_way(hook: Mapping[str, Any], settings: Settings, ours: str) -> list[Finding]:
    """Whether the webhook that Telegram knows and the mode of the settings belong together."""
    url = str(hook.get("url") or "")
    if settings.mode is Mode.POLLING:
        if not url:
            return [ok("We ask for updates, and no webhook is in the way.")]
        if url == ours:
            return [warning("Our own webhook of before is still set.", "The next start removes it.")]
        return [
            error(f"A webhook to {_host(url)} gets the updates.", "Stop that program or use another bot.")
        ]
    found = _public(ours)
    if url == ours:
        return [*found, ok("The webhook leads here.")]
    leads = f"leads to {_host(url)}" if url else "is not set"
    return [*found, error(f"The webhook {leads}.", "Start Deskgate; it sets the webhook at every start.")]


def _public(ours: str) -> list[Finding]:
    parts = urlsplit(ours)
    if is_loopback(parts.hostname or ""):
        return [error("Telegram cannot call this machine.", 'Set site.public_url, or mode = "polling".')]
    if parts.scheme != "https" or parts.port not in PORTS:
        return [error("Telegram calls https on port 443, 80, 88 or 8443 only.", "Correct site.public_url.")]
    return []


def of_webhook(hook: Mapping[str, Any]) -> list[Finding]:
    """What Telegram says went wrong when it called (core.telegram.org/bots/api#webhookinfo)."""
    found = []
    waiting = int(hook.get("pending_update_count") or 0)
    if waiting >= MANY:
        found.append(
            warning(f"{waiting} updates wait.", "Telegram keeps them for 24 hours: see that Deskgate runs.")
        )
    if hook.get("url") and hook.get("last_error_message"):
        when = datetime.fromtimestamp(int(hook.get("last_error_date") or 0), UTC)
        said = str(hook["last_error_message"])[:200]
        found.append(
            warning(f"Telegram's last call failed at {when:%Y-%m-%d %H:%M} UTC: {said}", _remedy(said))
        )
    return found


def _remedy(said: str) -> str:
    """What Telegram's words for a failed call mean for the admin."""
    lowered = said.lower()
    for word, remedy in (
        ("401", "The secret differs: start Deskgate again, it sets the webhook anew."),
        ("503", "Deskgate could not keep the update: look at the database."),
        ("ssl", "The certificate is not trusted: send the whole chain."),
        ("certificate", "The certificate is not trusted: send the whole chain."),
        ("timed out", "The address is not reachable from outside: check firewall and proxy."),
        ("refused", "Nothing listens at the address: check the proxy."),
        ("resolve", "The name of site.public_url does not resolve."),
        ("404", "The proxy does not pass /telegram/… on."),
    ):
        if word in lowered:
            return remedy
    return "Look at the proxy's log at that time."


def _host(url: str) -> str:
    return urlsplit(url).hostname or "another address"
