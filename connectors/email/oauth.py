"""Tokens for XOAUTH2: what is asked of the provider and what its answers mean. Knows no mailbox and no store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from connectors.email.settings import GrantKind, Provider, Settings
from gateway.errors import DeskgateError, Retryable

_TIMEOUT = aiohttp.ClientTimeout(total=20)
_USUAL = 3600  # seconds that a token lasts whose answer does not say so
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
_GOOGLE = ("https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/v2/auth")

#: learn.microsoft.com, "Authenticate an IMAP, POP or SMTP connection using OAuth".
_MICROSOFT_APP = "https://outlook.office365.com/.default"
_MICROSOFT_PERSON = (
    "offline_access https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send"
)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider gave; kept sealed."""

    access: str = ""
    got: datetime
    ends: datetime  #: of the access token
    refresh: str = ""  #: with which the next one is asked for, "" where the program signs in for itself
    refresh_ends: datetime | None = None  #: None when the provider does not say
    lost: str = ""  #: why the provider gives no more, a sentence with the remedy; "" while all is well


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where tokens are asked for, where a person signs in, and what is asked for."""

    token: str
    sign_in: str
    scope: str


class GrantLost(DeskgateError):
    """The provider gives no token any more: a person must act. The text says what."""


class NotYet(DeskgateError):
    """The person has not typed in the code yet."""


class DeviceCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is to do (RFC 8628 section 3.2)."""

    device_code: str
    user_code: str
    verification_uri: str
    interval: float = 5.0
    expires_in: float = 900.0


def endpoints(settings: Settings) -> Endpoints:
    """The provider's addresses, each replaced by the settings where they name one."""
    token, sign_in, scope = _usual(settings)
    return Endpoints(
        token=settings.oauth_token_url or token,
        sign_in=settings.oauth_sign_in_url or sign_in,
        scope=settings.oauth_scope or scope,
    )


def _usual(settings: Settings) -> tuple[str, str, str]:
    match settings.oauth_provider:
        case Provider.GOOGLE:
            return *_GOOGLE, "https://mail.google.com/"
        case Provider.MICROSOFT:
            base = _MICROSOFT.format(tenant=settings.oauth_tenant)
            page = "devicecode" if settings.grant is GrantKind.DEVICE_CODE else "authorize"
            by_itself = settings.grant is GrantKind.CLIENT_CREDENTIALS
            return f"{base}/token", f"{base}/{page}", _MICROSOFT_APP if by_itself else _MICROSOFT_PERSON
        case Provider.OTHER:
            return "", "", ""


async def renew(settings: Settings, known: Tokens | None, now: datetime) -> Tokens:
    """A new access token. Raises GrantLost when only a person can help, Retryable when it may pass."""
    if settings.grant is GrantKind.CLIENT_CREDENTIALS:
        fields = {"grant_type": "client_credentials", "scope": endpoints(settings).scope}
        return _tokens(await _ask(settings, fields), now)
    if known is None or not known.refresh:
        raise GrantLost(f"Nobody has signed in yet: run `deskgate mail authorize {settings.address}`.")
    fields = {"grant_type": "refresh_token", "refresh_token": known.refresh}
    fresh = _tokens(await _ask(settings, fields), now)
    if fresh.refresh:  # the provider gave a new one: the old one may be spent
        return fresh
    return msgspec.structs.replace(fresh, refresh=known.refresh, refresh_ends=known.refresh_ends)


async def device_code(settings: Settings) -> DeviceCode:
    """A code that a person types in. Raises GrantLost, Retryable."""
    where = endpoints(settings)
    answer = await _post(settings, where.sign_in, {**_client(settings), "scope": where.scope})
    answer.setdefault("verification_uri", answer.get("verification_url", ""))  # as Google calls it
    try:
        return msgspec.convert(answer, DeviceCode, strict=False)
    except msgspec.ValidationError as error:
        raise Retryable("The provider's answer to our request for a code cannot be read.") from error


async def with_device_code(settings: Settings, code: DeviceCode, now: datetime) -> Tokens:
    """The tokens, once the person has signed in. Raises NotYet before, GrantLost when it was refused or too late."""
    fields = {"grant_type": _DEVICE, "device_code": code.device_code}
    return _tokens(await _ask(settings, fields), now)


async def with_code(settings: Settings, code: str, verifier: str, back_to: str, now: datetime) -> Tokens:
    """The tokens for the code that a consent page sent back (RFC 6749 section 4.1.3, RFC 7636)."""
    fields = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    return _tokens(await _ask(settings, {**fields, "redirect_uri": back_to}), now)


async def _ask(settings: Settings, fields: dict[str, str]) -> dict[str, Any]:
    secret = settings.oauth_client_secret.get_secret_value()
    given = {"client_secret": secret} if secret else {}
    return await _post(settings, endpoints(settings).token, {**_client(settings), **given, **fields})


def _client(settings: Settings) -> dict[str, str]:
    return {"client_id": settings.oauth_client_id}


async def _post(settings: Settings, url: str, fields: dict[str, str]) -> dict[str, Any]:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(url, data=fields, ssl=settings.tls_context(), allow_redirects=False) as response,
        ):
            answer = await response.json(content_type=None)
            status = response.status
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
        raise Retryable(
            f"The provider of tokens does not answer as it should ({type(error).__name__})."
        ) from error
    if not isinstance(answer, dict) or status >= 500:
        raise Retryable(f"The provider of tokens has a fault ({status}).")
    if status >= 400 or "error" in answer:
        raise _refusal(settings, answer, status)
    return answer


#: What the provider's words (RFC 6749 section 5.2, RFC 8628 section 3.5) mean for whoever runs this.
_REMEDIES = {
    "invalid_grant": "the sign-in has ended or was taken back. Run `deskgate mail authorize {address}`.",
    "expired_token": "the code was not typed in in time. Run `deskgate mail authorize {address}` again.",
    "access_denied": "access was refused. Sign in as somebody who may use the mailbox, or ask an admin to consent.",
    "authorization_declined": "access was refused. Run `deskgate mail authorize {address}` again.",
    "invalid_client": "oauth_client_id or oauth_client_secret is wrong, or the secret has ended: make a new one.",
    "unauthorized_client": "the application may not do this: allow this kind of sign-in in its registration.",
    "invalid_scope": "oauth_scope is wrong, or the application lacks the permission for mail.",
    "invalid_request": "oauth_tenant or another setting is wrong.",
}


def _refusal(settings: Settings, answer: dict[str, Any], status: int) -> DeskgateError:
    word = str(answer.get("error", ""))[:60]
    if word in ("authorization_pending", "slow_down"):
        return NotYet(word)
    if status == 429 or word in ("temporarily_unavailable", "server_error"):
        return Retryable("The provider of tokens asks us to come back later.")
    why = _REMEDIES.get(word, "see the sign-in log of your provider.").format(address=settings.address)
    # The description may name the account: its number alone, such as AADSTS7000222, is enough to look it up.
    number = str(answer.get("error_description", "")).partition(":")[0]
    shown = f" ({number})" if number.startswith("AADSTS") and len(number) < 20 else ""
    return GrantLost(f"The provider says {word or status}{shown}: {why}")


def _tokens(answer: dict[str, Any], now: datetime) -> Tokens:
    access = answer.get("access_token")
    if not isinstance(access, str) or not access:
        raise Retryable("The provider's answer holds no token.")
    ends, refresh_ends = _after(answer, "expires_in", now), _after(answer, "refresh_token_expires_in", now)
    return Tokens(
        access=access,
        got=now,
        ends=ends or now + timedelta(seconds=_USUAL),
        refresh=str(answer.get("refresh_token") or ""),
        refresh_ends=refresh_ends,
    )


def _after(answer: dict[str, Any], name: str, now: datetime) -> datetime | None:
    try:
        seconds = int(answer[name])
    except (KeyError, TypeError, ValueError):
        return None
    return now + timedelta(seconds=min(seconds, 10 * 365 * 86_400)) if seconds > 0 else None
