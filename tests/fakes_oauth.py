"""A provider of tokens on loopback, by RFC 6749, 7636, 7662 and 8628; dovecot asks it whom a token belongs to."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

CLIENT, SECRET = "client-1", "hush-hush"


class Provider:
    """Gives tokens for one mailbox. `lasts`: seconds; `refuse`: the error it answers with."""

    def __init__(self, user: str = "desk") -> None:
        self.user, self.lasts, self.refuse = user, 3600, ""
        self.refresh_lasts = 0
        self.good: set[str] = set()  #: access tokens that are valid now
        self.refresh = ""
        self.asked: list[str] = []  #: kinds of grants
        self.pending = 2  #: how often a device code is asked for in vain
        self.challenge = ""
        self.port = 0
        self._numbers = count(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, grant: str) -> dict[str, Any]:
        """What config.toml says of it."""
        page = "device" if grant == "device_code" else "authorize"
        return {
            "auth": "xoauth2",
            "oauth_provider": "other",
            "oauth_grant": grant,
            "oauth_client_id": CLIENT,
            "oauth_client_secret": SECRET,
            "oauth_token_url": f"{self.url}/token",
            "oauth_sign_in_url": f"{self.url}/{page}",
            "oauth_scope": "mail offline_access",
        }

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        kind = str(form["grant_type"])
        self.asked.append(kind)
        if self.refuse:
            return web.json_response({"error": self.refuse, "error_description": "AADSTS1: x"}, status=400)
        if form["client_id"] != CLIENT or form["client_secret"] != SECRET:
            return web.json_response({"error": "invalid_client"}, status=401)
        if kind.endswith("device_code") and self.pending:
            self.pending -= 1
            return web.json_response({"error": "authorization_pending"}, status=400)
        if kind == "refresh_token" and form["refresh_token"] != self.refresh:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if kind == "authorization_code" and not self._proven(str(form["code_verifier"])):
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response(self._tokens(kind))

    def _proven(self, verifier: str) -> bool:
        digest = hashlib.sha256(verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenge

    def _tokens(self, kind: str) -> dict[str, Any]:
        number = next(self._numbers)
        access = f"access-{number}"
        self.good.add(access)
        given: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.lasts}
        if kind != "client_credentials":
            self.refresh = given["refresh_token"] = f"refresh-{number}"
        if self.refresh_lasts:
            given["refresh_token_expires_in"] = self.refresh_lasts
        return given

    async def device(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "device_code": "device-1",
                "user_code": "ABCD-EFGH",
                "verification_uri": f"{self.url}/device/page",
                "interval": 1,
                "expires_in": 60,
            }
        )

    async def consent(self, request: web.Request) -> web.Response:
        """The person allows it at once: the browser is sent back."""
        self.challenge = request.query["code_challenge"]
        back = urlencode({"code": "code-1", "state": request.query["state"]})
        raise web.HTTPFound(f"{request.query['redirect_uri']}/?{back}")

    async def introspect(self, request: web.Request) -> web.Response:
        token = str((await request.post()).get("token") or request.query.get("token", ""))
        if token not in self.good:
            return web.json_response({"active": False})
        return web.json_response({"active": True, "username": self.user, "email": self.user})


@asynccontextmanager
async def provider(user: str = "desk", port: int = 0) -> AsyncIterator[Provider]:
    """A provider that answers until the block ends."""
    made = Provider(user)
    app = web.Application()
    app.router.add_post("/token", made.token)
    app.router.add_post("/device", made.device)
    app.router.add_get("/authorize", made.consent)
    app.router.add_route("*", "/introspect", made.introspect)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
