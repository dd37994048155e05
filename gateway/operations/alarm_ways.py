"""The ways out for alarms, apart from the channels: a second relay, an URL, a command. Any of them will do."""

from __future__ import annotations

import asyncio
import json
import logging
import smtplib
import ssl
from collections.abc import Awaitable, Callable
from email.message import EmailMessage

import aiohttp

from gateway.settings.alarms import AlarmSettings

log = logging.getLogger("deskgate.alarms")

#: Seconds that one way may take.
PATIENCE = 30.0
_PORTS = {"starttls": 587, "tls": 465, "none": 25}

Way = Callable[[str, str], Awaitable[None]]


async def tell(settings: AlarmSettings, subject: str, text: str) -> bool:
    """Goes every way that is named; True when somebody was reached, or when there is no way at all."""
    ways: dict[str, Way] = {"mail": _mail(settings), "url": _url(settings), "command": _command(settings)}
    reached = [await _try(name, ways[name], subject, text) for name in settings.ways]
    return any(reached) or not reached


async def _try(name: str, way: Way, subject: str, text: str) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            await way(subject, text)
    except Exception as error:  # whatever happens on one way, the others are tried
        log.error("alarm not told by %s: %s", name, type(error).__name__)
        return False
    return True


def _mail(settings: AlarmSettings) -> Way:
    async def way(subject: str, text: str) -> None:
        await asyncio.to_thread(_send_mail, settings, subject, text)

    return way


def _send_mail(settings: AlarmSettings, subject: str, text: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = settings.mail_from or settings.mail_to[0], ", ".join(settings.mail_to)
    mail["Subject"], mail["Auto-Submitted"] = subject, "auto-generated"
    mail.set_content(text)
    port = settings.smtp_port or _PORTS[settings.smtp_security]
    with _connected(settings, port) as relay:
        if settings.smtp_security == "starttls":
            relay.starttls(context=ssl.create_default_context())
        if settings.smtp_username:
            relay.login(settings.smtp_username, settings.smtp_password.get_secret_value())
        relay.send_message(mail)


def _connected(settings: AlarmSettings, port: int) -> smtplib.SMTP:
    if settings.smtp_security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(settings.smtp_host, port, timeout=PATIENCE, context=context)
    return smtplib.SMTP(settings.smtp_host, port, timeout=PATIENCE)


def _url(settings: AlarmSettings) -> Way:
    async def way(subject: str, text: str) -> None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        body = {"text": f"{subject}\n{text}"}
        async with (
            aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
            session.post(settings.url.get_secret_value(), json=body),
        ):
            pass

    return way


def _command(settings: AlarmSettings) -> Way:
    async def way(subject: str, text: str) -> None:
        told = json.dumps({"subject": subject, "text": text}).encode()
        process = await asyncio.create_subprocess_exec(*settings.command, stdin=asyncio.subprocess.PIPE)
        try:
            await process.communicate(told)
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise OSError(f"exit code {process.returncode}")

    return way
