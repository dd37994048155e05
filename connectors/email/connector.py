"""The email account: takes mail from its listener and its mailbox, sends through its relay or into its folder."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from aiohttp import web

from connectors.email import normalize, reply_key
from connectors.email.compose import compose
from connectors.email.grant import Grant
from connectors.email.incoming_imap import Watcher
from connectors.email.incoming_smtp import Listener
from connectors.email.mailbox import Fetched
from connectors.email.outgoing import Folder, Relay
from connectors.email.settings import Auth, Settings
from gateway.connector import Capabilities, Host
from gateway.errors import Refused, Undeliverable
from gateway.model import Delivery, Outgoing, Post, Sent

__all__ = ["Email", "Settings"]

_LARGE = 256 * 1024  # bytes; a bigger mail is read in a thread


class Email:
    """One mail account of config.toml. `key` is secret and signs our Message-IDs."""

    name = "email"

    def __init__(self, account: str, settings: Settings, key: bytes) -> None:
        self.account, self._settings, self._key = account, settings, key
        self.capabilities = Capabilities(
            files=True,
            threads=True,
            idempotent=not settings.smtp_host,
            max_file=settings.max_mail * 2 // 3,  # base64 needs a third more
            loopback=settings.loopback(),
        )
        self._out = (
            Relay(settings, bucket=f"email/{account}", grant=self._sign_in if self._by_token else None)
            if settings.smtp_host
            else Folder(settings.outgoing_folder)
        )
        self._listener: Listener | None = None
        self._host: Host | None = None
        self._grant: Grant | None = None
        self._keyless = settings.model_copy(update={"plus_addressing": False})
        self._sending, self._asked_again = settings, datetime.min.replace(tzinfo=UTC)

    @property
    def _by_token(self) -> bool:
        return self._settings.auth is Auth.XOAUTH2

    @property
    def listening_at(self) -> tuple[str, int] | None:
        """Where mail can be sent to, None without a listener."""
        return self._listener.at if self._listener else None

    def attach(self, app: web.Application, host: Host) -> None:
        self._host = host
        if self._by_token:
            self._grant = Grant(self.account, self._settings, host)
        if self._settings.listen:
            self._listener = self._new_listener()
        app.cleanup_ctx.append(self._running)

    async def send(self, outgoing: Outgoing) -> Sent:
        """Raises Retryable, Undeliverable or Uncertain; mail cannot be changed once it is sent."""
        if not isinstance(outgoing, Post):
            raise Undeliverable("not-supported", "A mail that was sent cannot be changed or taken back.")
        host = self._attached()
        mail = compose(
            outgoing,
            settings=await self._for_sending(host),
            key=self._key,
            company=host.company,
            now=host.clock.now(),
            files=await self._files(host, outgoing),
        )
        await self._out.send(mail)
        return Sent(external_ids=(mail.message_id,), keys=(f"mid:{mail.message_id}",))

    async def _running(self, _app: web.Application) -> AsyncIterator[None]:
        work = [self._watch()] if self._settings.imap_host else []
        work += [self._grant.run()] if self._grant else []
        tasks = [asyncio.create_task(each) for each in work]
        try:
            if self._listener:
                await self._listener.start()
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._listener:
                await self._listener.stop()
            await self._out.close()

    def _attached(self) -> Host:
        if self._host is None:
            raise RuntimeError("attach comes before send")
        return self._host

    async def _for_sending(self, host: Host) -> Settings:
        """The settings, without plus addresses once doctor has seen that they do not arrive; asked once a minute."""
        now = host.clock.now()
        if self._settings.plus_addressing and now >= self._asked_again:
            known = await host.cursor(reply_key.plus_cursor(self.account, arrives=True).name)
            self._sending = self._keyless if known == reply_key.REFUSED else self._settings
            self._asked_again = host.clock.deadline(60)
        return self._sending

    def _sign_in(self) -> Grant:
        if self._grant is None:
            raise RuntimeError("attach comes before send")
        return self._grant

    def _new_listener(self) -> Listener:
        settings = self._settings
        return Listener(
            self._keep,
            lambda address: reply_key.is_ours(address, settings.ours),
            at=settings.listen_at,
            protocol=settings.listen_protocol,
            hostname=settings.domain,
            max_mail=settings.max_mail,
            connections=settings.listen_connections,
        )

    async def _keep(self, raw: bytes, recipients: tuple[str, ...]) -> None:
        host = self._attached()
        read = functools.partial(self._read, raw, normalize.body_key(raw), envelope_to=recipients)
        await host.receive(await asyncio.to_thread(read) if len(raw) > _LARGE else read())

    async def _watch(self) -> None:
        host = self._attached()
        await Watcher(self.account, self._settings, host, self._fetched, self._grant).run()

    def _fetched(self, validity: int, mail: Fetched) -> list[Delivery]:
        now = self._attached().clock.now()
        arrived = min(mail.arrived, now) if mail.arrived else now
        key = normalize.uid_key(validity, mail.uid)
        return normalize.normalize(
            mail.raw,
            arrived,
            account=self.account,
            settings=self._settings,
            key=self._key,
            delivery_key=key,
            left_out=mail.left_out,
        )

    def _read(self, raw: bytes, delivery_key: str, *, envelope_to: tuple[str, ...]) -> list[Delivery]:
        return normalize.normalize(
            raw,
            self._attached().clock.now(),
            account=self.account,
            settings=self._settings,
            key=self._key,
            delivery_key=delivery_key,
            envelope_to=envelope_to,
        )

    async def _files(self, host: Host, post: Post) -> dict[str, bytes]:
        """The bytes of the attachments. Raises Undeliverable when one is gone."""
        try:
            return {a.sha256: await host.file(a.sha256) for a in post.attachments if a.sha256}
        except Refused as error:
            raise Undeliverable("file-missing", f"An attached file is no longer kept: {error}") from error
