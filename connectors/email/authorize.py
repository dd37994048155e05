"""The walk to the first token, as `deskgate mail authorize` leads it: one step after the other, on the terminal."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web
from imapclient.exceptions import IMAPClientError, LoginError

from connectors.email import mailbox, oauth
from connectors.email.oauth import GrantLost, NotYet, Tokens
from connectors.email.settings import GrantKind, Provider, Settings
from gateway.clock import Clock
from gateway.errors import DeskgateError

_SLOWER = 5.0  # seconds more between two questions once the provider says slow_down (RFC 8628 section 3.5)

#: Shows a line to the person.
Say = Callable[[str], None]
#: The line that the person types, or pastes.
Ask = Callable[[], Awaitable[str]]


async def authorize(settings: Settings, clock: Clock, say: Say, ask: Ask) -> Tokens:
    """Leads the person to the token and signs in with it once. Raises GrantLost, Retryable."""
    match settings.grant:
        case GrantKind.CLIENT_CREDENTIALS:
            say("The program signs in for itself; nobody needs to open a browser.")
            tokens = await oauth.renew(settings, None, clock.now())
        case GrantKind.DEVICE_CODE:
            tokens = await _by_device_code(settings, clock, say)
        case GrantKind.CONSENT:
            tokens = await _by_consent(settings, clock, say, ask)
    say(
        f"The provider gave a token; the first one lasts until {tokens.ends:%H:%M} UTC and is renewed by itself."
    )
    if not tokens.refresh and settings.grant is not GrantKind.CLIENT_CREDENTIALS:
        raise GrantLost(
            "It gave nothing to renew it with. Ask for offline access: add offline_access to oauth_scope, or take "
            "back the consent in the account's settings and run this again."
        )
    return tokens


async def _by_device_code(settings: Settings, clock: Clock, say: Say) -> Tokens:
    code = await oauth.device_code(settings)
    say(f"Open {code.verification_uri} in any browser, sign in as {settings.address} and type in this code:")
    say(f"\n    {code.user_code}\n")
    wait, left = code.interval, code.expires_in
    while left > 0:
        await clock.sleep_until(clock.deadline(wait))
        left -= wait
        try:
            return await oauth.with_device_code(settings, code, clock.now())
        except NotYet as answer:
            wait += _SLOWER if str(answer) == "slow_down" else 0.0
    raise GrantLost("The code was not typed in in time. Run this command again.")


async def _by_consent(settings: Settings, clock: Clock, say: Say, ask: Ask) -> Tokens:
    """The browser comes back to this machine; from another one the person pastes the address it ended at."""
    state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
    async with _door() as (port, came):
        # Microsoft compares the registered address without its port, but only by this name.
        name = "localhost" if settings.oauth_provider is Provider.MICROSOFT else "127.0.0.1"
        back_to = f"http://{name}:{port}"
        say(f"Open this address in a browser, sign in as {settings.address} and allow access:")
        say(f"\n    {consent_url(settings, back_to, state, verifier)}\n")
        say("If the browser runs on another machine, it ends at a page that it cannot open: that is fine.")
        say("Copy that page's address from the browser, paste it here and press Enter.")
        pasted = asyncio.ensure_future(ask())
        done, waiting = await asyncio.wait((came, pasted), return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        return await oauth.with_code(
            settings, _code(done.pop().result(), state), verifier, back_to, clock.now()
        )


def consent_url(settings: Settings, back_to: str, state: str, verifier: str) -> str:
    """The page on which a person allows access (RFC 6749 section 4.1.1, with RFC 7636)."""
    where = oauth.endpoints(settings)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    fields = {
        "client_id": settings.oauth_client_id,
        "redirect_uri": back_to,
        "response_type": "code",
        "scope": where.scope,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "login_hint": settings.address,
    }
    if settings.oauth_provider is Provider.GOOGLE:  # without these Google gives nothing to renew with
        fields |= {"access_type": "offline", "prompt": "consent"}
    return f"{where.sign_in}?{urlencode(fields)}"


def _code(address: str, state: str) -> str:
    """The code in the address that the browser was sent back to. Raises GrantLost."""
    found = parse_qs(urlsplit(address.strip()).query)
    if error := found.get("error", [""])[0]:
        raise GrantLost(f"The provider says {error[:60]}: access was not allowed.")
    if found.get("state", [""])[0] != state:
        raise GrantLost("This is not the address that this sign-in ended at. Run the command again.")
    return found.get("code", [""])[0]


@asynccontextmanager
async def _door() -> AsyncIterator[tuple[int, asyncio.Future[str]]]:
    """A page on this machine to which the browser comes back; the future is its address with the code."""
    came: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def back(request: web.Request) -> web.Response:
        if not came.done() and ("code" in request.query or "error" in request.query):
            came.set_result(str(request.url))
        return web.Response(text="Thank you. You can close this page and go back to the terminal.\n")

    app = web.Application()
    app.router.add_get("/", back)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1], came
    finally:
        await runner.cleanup()


async def try_mailbox(settings: Settings, token: str) -> str:
    """What the mail server says to the token: "" when it signs us in, else why not."""
    return await asyncio.to_thread(_try, settings, token) if settings.imap_host else ""


def _try(settings: Settings, token: str) -> str:
    try:
        box = mailbox.Mailbox(settings, threading.Event(), token)
    except LoginError:
        return (
            "the mail server refused the token. Switch IMAP on for this mailbox; for client_credentials the "
            "application must also be registered in Exchange and given the mailbox."
        )
    except (IMAPClientError, OSError, DeskgateError) as error:
        return f"the mail server cannot be asked ({type(error).__name__})."
    with contextlib.suppress(IMAPClientError, OSError):
        box.close()
    return ""
