"""A stand-in of Telegram for tests: its server, as documented (telegram_people.py are the people in front of it).

Written from core.telegram.org/bots/api; the section is named at each method. Stricter than Telegram where that finds
mistakes: arguments that a method does not document are refused, and lengths count UTF-16 code units.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from gateway.clock import Clock
from tests.telegram_html import Invalid
from tests.telegram_methods import METHODS
from tests.telegram_state import TOKEN, Fault, No, Telegram

BY_WEBHOOK = "can't use getUpdates method while webhook is active"


@asynccontextmanager
async def running(clock: Clock) -> AsyncIterator[Telegram]:
    """The service behind a loopback address; calls the webhook that is set, as long as one is."""
    telegram = Telegram(clock=clock)
    runner = web.AppRunner(_application(telegram), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    telegram.api_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    caller = asyncio.create_task(_call_webhook(telegram))
    try:
        yield telegram
    finally:
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        await runner.cleanup()


async def called(telegram: Telegram, method: str) -> None:
    """Returns once the bot has called this method."""
    async with asyncio.timeout(60):
        while method not in telegram.methods():
            await asyncio.sleep(0.01)


async def _call_webhook(telegram: Telegram) -> None:
    """core.telegram.org/bots/api#setwebhook: a POST with the secret; anything but 2xx is tried again."""
    async with aiohttp.ClientSession() as http:
        while True:
            await asyncio.sleep(0.01)
            url, waiting = telegram.webhook.get("url"), list(telegram.updates)
            if not url or not waiting:
                continue
            secret = telegram.webhook.get("secret_token")
            headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
            try:
                async with http.post(url, json=waiting[0], headers=headers) as answer:
                    status = answer.status
            except aiohttp.ClientError:
                status = 0
            if 200 <= status < 300:
                telegram.answered += 1
                telegram.updates.remove(waiting[0])
            else:
                telegram.webhook_error = f"Wrong response from the webhook: {status}"
                await asyncio.sleep(0.05)


# ---------------------------------------------------------------- the Bot API


def _application(telegram: Telegram) -> web.Application:
    app = web.Application(client_max_size=100_000_000)

    async def api(request: web.Request) -> web.StreamResponse:
        return await _answer(telegram, request)

    async def download(request: web.Request) -> web.StreamResponse:
        # core.telegram.org/bots/api#getfile: https://api.telegram.org/file/bot<token>/<file_path>
        paths = {path: content for path, content, _ in telegram.files.values()}
        path = request.match_info["path"]
        telegram.calls.append(("download", {"path": path}))
        telegram.moments.append(telegram.clock.now().timestamp())
        if request.match_info["token"] != TOKEN or path not in paths:
            return _no(No(404, "Not Found"))
        return web.Response(body=paths[path])

    app.router.add_post("/bot{token}/{method}", api)
    app.router.add_get("/file/bot{token}/{path:.*}", download)
    return app


async def _answer(telegram: Telegram, request: web.Request) -> web.StreamResponse:
    """core.telegram.org/bots/api#making-requests."""
    method = request.match_info["method"]
    given = await _arguments(request)
    if request.match_info["token"] != TOKEN:
        return _no(No(401, "Unauthorized"))
    telegram.calls.append((method, given))
    telegram.moments.append(telegram.clock.now().timestamp())
    fault = telegram.fault_for(method, given)
    if fault and not (fault.cut or fault.silent or fault.after_work):
        return _faulty(fault)
    try:
        result = await _perform(telegram, method, given)
    except No as no:
        return _no(no)
    if fault and fault.silent:
        await asyncio.sleep(60)
    if fault and fault.cut and request.transport:
        request.transport.close()
    if isinstance(result, dict):
        result = {name: value for name, value in result.items() if name != "stored"}
    return web.json_response({"ok": True, "result": result})


async def _arguments(request: web.Request) -> dict[str, Any]:
    """A form; what is an object or a list travels as JSON in it."""
    found: dict[str, Any] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            found[name] = {"filename": value.filename, "content": value.file.read()}
        elif str(value)[:1] in ("{", "[") or str(value) in ("true", "false"):
            found[name] = json.loads(str(value)) if name not in ("text", "caption") else str(value)
        else:
            found[name] = str(value)
    return found


def _faulty(fault: Fault) -> web.Response:
    if fault.body:
        return web.Response(status=fault.status, text=fault.body, content_type="text/html")
    return _no(No(fault.status, fault.description, **fault.parameters))


def _no(no: No) -> web.Response:
    said: dict[str, Any] = {"ok": False, "error_code": no.code, "description": no.description}
    if no.parameters:
        said["parameters"] = no.parameters
    return web.json_response(said, status=no.code)


async def _perform(telegram: Telegram, method: str, given: dict[str, Any]) -> Any:
    if method == "getUpdates":
        return await _get_updates(telegram, given)
    if method not in METHODS:
        raise No(404, "Not Found")
    names, act = METHODS[method]
    if unknown := set(given) - names:
        raise No(400, f"Bad Request: arguments that {method} has not: {sorted(unknown)}")
    try:
        return act(telegram, given)
    except Invalid as invalid:
        raise No(400, f"Bad Request: {invalid}") from invalid


async def _get_updates(telegram: Telegram, given: dict[str, Any]) -> list[dict[str, Any]]:
    """#getupdates: an offset confirms what is before it; a second asker ends the first."""
    if set(given) - {"offset", "limit", "timeout", "allowed_updates"}:
        raise No(400, "Bad Request: unknown arguments")
    if telegram.webhook.get("url"):
        raise No(409, f"Conflict: {BY_WEBHOOK}; use deleteWebhook to delete the webhook first")
    telegram.polls += 1
    mine = telegram.asking = telegram.polls
    offset, limit = int(given.get("offset", 0)), int(given.get("limit", 100))
    assert 1 <= limit <= 100 and offset >= 0
    if offset:
        telegram.updates = [update for update in telegram.updates if update["update_id"] >= offset]
    loop = asyncio.get_running_loop()
    until = loop.time() + int(given.get("timeout", 0))
    while not telegram.updates and loop.time() < until:
        if telegram.asking != mine:
            raise No(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        await asyncio.sleep(0.01)
    return telegram.updates[:limit]
