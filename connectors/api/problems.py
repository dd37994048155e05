"""Errors as RFC 9457 problems: every answer that is no success says what is wrong and the remedy."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web

from connectors.api.wire import Problem


class Failed(Exception):
    """The request ends with this problem."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def answer(failed: Failed) -> web.Response:
    """The answer for it."""
    problem = Problem(title=HTTPStatus(failed.status).phrase, status=failed.status, detail=failed.detail)
    return web.Response(
        body=msgspec.json.encode(problem),
        status=failed.status,
        content_type="application/problem+json",
        headers=failed.headers,
    )
