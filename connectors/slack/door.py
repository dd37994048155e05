"""Slack calls us over HTTP: proves that a request is Slack's, hands it on, answers."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from connectors.slack.payloads import Envelope, read, read_json
from connectors.slack.reception import Answer, Reception
from connectors.slack.signing import Verifier
from gateway.connector import capped
from gateway.errors import InvalidPayload

log = logging.getLogger(__name__)

MAX_BODY = 1_000_000  #: bytes; Slack's own payloads stay far below

#: Retries that come a minute and five minutes after the first try (docs.slack.dev/apis/events-api, "Retries").
LATE = ("2", "3")


class Door:
    """The routes of one workspace."""

    def __init__(self, account: str, verifier: Verifier, reception: Reception) -> None:
        self._account, self._verifier, self._reception = account, verifier, reception

    async def handle(self, request: web.Request) -> web.Response:
        """Everything that Slack posts: 401 unless proven, 400 for what it does not document, 503 if not kept."""
        body = await capped(request, MAX_BODY)
        if body is None:
            return web.Response(status=413)
        if not self._verifier.accepts(body, request.headers):
            log.warning("slack request refused account=%s reason=signature", self._account)
            return web.Response(status=401)
        try:
            return await self._proven(body, request)
        except InvalidPayload as error:
            log.warning("slack request refused account=%s error=%s", self._account, error)
            return web.Response(status=400)

    async def _proven(self, body: bytes, request: web.Request) -> web.Response:
        if request.headers.get("X-Slack-Retry-Num", "") in LATE:
            self._reception.delivered_again()
        if request.content_type != "application/x-www-form-urlencoded":
            payload = read_json(body)
            envelope = read(payload, Envelope)
            if envelope.type == "url_verification":
                return web.Response(text=envelope.challenge or "")
            return _response(await self._reception.event(payload, body))
        fields = _fields(body)
        if "payload" in fields:
            return _response(await self._reception.interaction(read_json(fields["payload"])))
        if "command" in fields:
            return _response(await self._reception.command(dict(fields)))
        return web.Response()  # ssl_check and other probes: nothing to do


def _response(answer: Answer) -> web.Response:
    if answer.status == 503:
        return web.Response(status=503, headers={"Retry-After": "30"})
    if answer.body is None:
        return web.Response(status=answer.status)
    return web.json_response(answer.body, status=answer.status)


def _fields(body: bytes) -> dict[str, Any]:
    """The fields of a form, each once. Raises InvalidPayload when it is no readable form."""
    try:
        found = parse_qs(body.decode(), max_num_fields=50)
    except ValueError as error:  # UnicodeDecodeError is one, too many fields is another
        raise InvalidPayload("the body is no form") from error
    return {name: values[0] for name, values in found.items()}
