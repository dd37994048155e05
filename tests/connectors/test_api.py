"""The REST API: keys and scopes, pages and problems, and a document that cannot differ from the routes."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from connectors.api.openapi import document
from connectors.api.routes import BASE, OPERATIONS, Routes
from connectors.api.settings import Settings
from gateway.cli import main
from gateway.conformance.suite import settled
from gateway.model import Agent
from gateway.store import api_keys
from gateway.store.people import hashed
from tests.connectors.api_door import TOKEN, ApiDoor, add_key, api
from tests.fakes_web import FakeHost


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[ApiDoor]:
    async with api(tmp_path) as opened:
        yield opened


async def ticket(door: ApiDoor, text: str = "a person, please", number: int = 1) -> dict[str, Any]:
    """The newest ticket after somebody wrote."""
    assert await door.deliver(number, text)
    await settled(door)
    status, body, _ = await door.call("GET", "/tickets")
    assert status == 200
    return dict(body["items"][0])


def problem(answer: tuple[int, Any, Any], status: int, said: str) -> None:
    """RFC 9457: the same shape for every failure."""
    got, body, headers = answer
    assert got == status == body["status"], body
    assert headers["Content-Type"] == "application/problem+json"
    assert body["type"] == "about:blank" and body["title"] and said in body["detail"], body


async def test_a_whole_story(door: ApiDoor) -> None:
    """Asked, handed over, read, answered, resolved: all by the API, and the person sees no note."""
    found = await ticket(door)
    number = found["id"]
    assert (found["channel"], found["status"], found["queue"], found["requester"]) == (
        "api",
        "open",
        "general",
        "Mia",
    )

    status, whole, _ = await door.call("GET", f"/tickets/{number}")
    assert (
        status == 200
        and whole["cause"] == "wants_human"
        and {"claim", "reply", "resolve"} <= set(whole["verbs"])
    )

    for key, action in (
        ("a1", {"verb": "claim"}),
        ("a2", {"verb": "note", "text": "Looks fine to me"}),
        ("a3", {"verb": "reply", "text": "It is on its way."}),
    ):
        status, done, _ = await door.call("POST", f"/tickets/{number}/actions", action, key=key)
        assert status == 200 and done["state"] == "done", done
    async with asyncio.timeout(60):
        while "It is on its way." not in (shown := await door.shown()):
            await asyncio.sleep(0.05)
    assert "Looks fine to me" not in shown

    _, said, _ = await door.call("GET", f"/tickets/{number}/messages")
    kinds = [line["kind"] for line in said["items"]]
    assert {"message", "notice", "note", "reply"} <= set(kinds)
    _, events, _ = await door.call("GET", f"/tickets/{number}/events")
    assert "escalated" in [event["kind"] for event in events["items"]]


async def test_the_same_key_again_changes_nothing(door: ApiDoor) -> None:
    body = {"from": {"id": "mia"}, "text": "a person, please"}
    first = (await door.call("POST", "/messages", body, key="one"))[1]
    again = (await door.call("POST", "/messages", {**body, "text": "other"}, key="one"))[1]
    assert again == {"id": first["id"], "duplicate": True} and not first["duplicate"]
    await settled(door)
    number = (await door.call("GET", "/tickets"))[1]["items"][0]["id"]

    note = {"verb": "note", "text": "once"}
    answers = [await door.call("POST", f"/tickets/{number}/actions", note, key="n1") for _ in range(3)]
    assert [status for status, _, _ in answers] == [200] * 3
    _, said, _ = await door.call("GET", f"/tickets/{number}/messages")
    assert sum(line["text"] == "once" for line in said["items"]) == 1


async def test_pages_end_where_there_is_no_more(door: ApiDoor) -> None:
    for number in range(1, 6):
        body = {"from": {"id": f"person-{number}"}, "text": "a person, please"}
        assert (await door.call("POST", "/messages", body, key=f"p{number}"))[0] == 202
    await settled(door)
    seen: list[int] = []
    path, before = "/tickets?limit=2", 0
    while True:
        _, page, _ = await door.call("GET", f"{path}&before={before}" if before else path)
        seen += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        before = page["next"]
    assert len(seen) == 5 and seen == sorted(seen, reverse=True)

    _, first, _ = await door.call("GET", f"/tickets/{seen[0]}/messages?limit=1")
    _, second, _ = await door.call("GET", f"/tickets/{seen[0]}/messages?limit=1&after={first['next']}")
    assert first["items"][0]["id"] < second["items"][0]["id"]


async def test_a_key_opens_what_its_scopes_say(door: ApiDoor) -> None:
    number = (await ticket(door))["id"]
    await add_key(door.served, "dgk_1_onlysend", "messages", name="sender", agent="")
    problem(await door.call("GET", "/tickets", token="dgk_1_onlysend"), 403, "lacks the scope read")
    act = await door.call(
        "POST", f"/tickets/{number}/actions", {"verb": "claim"}, key="x", token="dgk_1_onlysend"
    )
    problem(act, 403, "lacks the scope act")
    # Another program's conversations are not this one's.
    _, page, _ = await door.call("GET", "/messages?conversation=mia", token="dgk_1_onlysend")
    assert page["items"] == []


async def test_a_revoked_key_opens_nothing_at_once(door: ApiDoor) -> None:
    key = await add_key(door.served, "dgk_2_shortlived", "read", name="brief")
    assert (await door.call("GET", "/tickets", token="dgk_2_shortlived"))[0] == 200
    assert await door.deskgate.store.driver.write(lambda tx: api_keys.revoke(tx, key.id, 5))
    answer = await door.call("GET", "/tickets", token="dgk_2_shortlived")
    problem(answer, 401, "Send a key that is in use")
    assert answer[2]["WWW-Authenticate"].startswith("Bearer")


async def test_it_sees_what_its_member_sees(tmp_path: Path) -> None:
    async with api(tmp_path) as door:
        await door.deskgate.store.add_agent(Agent(id="ana", name="Ana", active=False), 0)
        problem(await door.call("GET", "/tickets"), 404, "not a member")
        problem(await door.call("GET", "/tickets/77"), 404, "not a member")


async def test_what_may_not_be_done_is_a_conflict_with_the_reason(door: ApiDoor) -> None:
    number = (await ticket(door))["id"]
    path = f"/tickets/{number}/actions"
    problem(await door.call("POST", path, {"verb": "reply"}, key="e1"), 409, "empty")
    problem(
        await door.call("POST", "/tickets/999999/actions", {"verb": "claim"}, key="e2"), 404, "no such ticket"
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "key", "status", "said"),
    [
        ("POST", "/messages", {"from": {"id": "a"}}, "", 422, "Idempotency-Key"),
        ("POST", "/messages", {"from": {"id": "a"}}, "no good", 422, "Idempotency-Key"),
        ("POST", "/messages", {"from": {}}, "k", 422, "id"),
        ("POST", "/messages", {"from": {"id": "a"}, "txt": "x"}, "k", 422, "txt"),
        ("POST", "/messages", {"from": {"id": "a"}, "text": "\x00"}, "k", 422, "text"),
        (
            "POST",
            "/messages",
            {"from": {"id": "a"}, "files": [{"filename": "a", "content": "x"}]},
            "k",
            422,
            "content",
        ),
        ("POST", "/tickets/1/actions", {"verb": "dance"}, "k", 422, "verb"),
        ("GET", "/tickets?limit=0", None, "", 422, "limit"),
        ("GET", "/tickets?status=lost", None, "", 422, "status"),
        ("GET", "/tickets?colour=red", None, "", 422, "colour"),
        ("GET", "/tickets/0", None, "", 422, "ticket"),
        ("GET", "/tickets/x", None, "", 422, "ticket"),
        ("GET", "/messages", None, "", 422, "conversation"),
        ("DELETE", "/tickets", None, "", 405, "Use GET"),
        ("GET", "/nothing", None, "", 404, "openapi.json"),
    ],
)
async def test_mistakes_are_named(
    door: ApiDoor, method: str, path: str, body: Any, key: str, status: int, said: str
) -> None:
    problem(await door.call(method, path, body, key=key), status, said)


async def test_bodies_are_json_and_not_too_large(tmp_path: Path) -> None:
    async with api(tmp_path, max_body=10_000) as door:
        url, headers = (
            f"{door.served.url}/api/v1/messages",
            {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "k"},
        )
        for data, kind, status in (
            (b"{", "application/json", 400),
            (b"\xff", "application/json", 400),
            (b"a=b", "application/x-www-form-urlencoded", 415),
            (b'{"x":"' + b"x" * 20_000 + b'"}', "application/json", 413),
        ):
            async with door.http.post(url, data=data, headers={**headers, "Content-Type": kind}) as answer:
                assert answer.status == status and answer.content_type == "application/problem+json"


async def test_guessing_is_slowed_down_and_so_is_a_key_that_asks_too_often(tmp_path: Path) -> None:
    async with api(tmp_path, guesses=8, per_minute=10) as door:
        answers = [(await door.call("GET", "/tickets"))[0] for _ in range(7)]
        assert answers[:5] == [200] * 5 and 429 in answers
        guessed = [await door.call("GET", "/tickets", token=f"dgk_x_{n}") for n in range(6)]
        assert [status for status, _, _ in guessed][:4] == [401] * 4
        problem(guessed[-1], 429, "Too many wrong keys")
        assert int(guessed[-1][2]["Retry-After"]) >= 1


async def test_the_document_names_every_route_and_nothing_else(door: ApiDoor) -> None:
    status, served, _ = await door.call("GET", "/openapi.json", token="")
    assert status == 200
    app = web.Application()
    Routes("main", Settings(), FakeHost()).add_to(app)  # type: ignore[arg-type]
    routed = {
        (route.method, route.resource.canonical.removeprefix(BASE))
        for route in app.router.routes()
        if route.method != "*" and route.resource is not None
    }
    named = {(method.upper(), path) for path, methods in served["paths"].items() for method in methods}
    assert routed == named == {(operation.method, operation.path) for operation in OPERATIONS}
    for path, methods in served["paths"].items():
        for operation in methods.values():
            names = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert names == set(re.findall(r"{(\w+)}", path)) and operation["summary"]
    assert served == json.loads(json.dumps(document(BASE, OPERATIONS, door.deskgate.policy.public_url)))


@pytest.mark.timeout(400)
async def test_schemathesis_finds_no_difference_between_the_document_and_the_answers(
    door: ApiDoor, tmp_path: Path
) -> None:
    """Bounded in time: the corners of every field, and a little chance while there is time left."""
    await ticket(door)
    run = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{door.served.url}/api/v1/openapi.json",
        "-H", f"Authorization: Bearer {TOKEN}", "--max-time", "25", "--max-examples", "4", "--seed", "7",
        "--phases", "coverage,fuzzing", "--no-color", "--exclude-checks", "ignored_auth",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path,
    )  # fmt: skip
    try:
        output = (await asyncio.wait_for(run.communicate(), 300))[0].decode()
    finally:
        if run.returncode is None:
            run.kill()
            await run.wait()
    assert run.returncode == 0, output[-6000:]
    assert (await settled(door)).dead == 0


def test_keys_are_made_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\ndatabase = "sqlite:///{tmp_path}/d.db"\nkey_file = "{tmp_path}/key"\n'
        f'[bot]\narticles = "{tmp_path}"\n[desk]\ncanned = "{tmp_path}"\n[connectors.api.main]\n',
        "utf-8",
    )
    given = ["--config", str(config)]
    assert main(["agents", "add", "ana", *given]) == 0
    assert main(["api-keys", "add", "Shop!", "--scope", "messages", *given]) == 2
    assert main(["api-keys", "add", "shop", "--scope", "read", *given]) == 2
    assert main(["api-keys", "add", "shop", "--scope", "read", "--as", "nobody", *given]) == 1
    capsys.readouterr()
    assert (
        main(["api-keys", "add", "shop", "--scope", "messages", "--scope", "read", "--as", "ana", *given])
        == 0
    )
    token = capsys.readouterr().out.splitlines()[-1]
    assert token.startswith("dgk_")

    stored = b"".join(file.read_bytes() for file in tmp_path.glob("d.db*"))
    assert token.encode() not in stored and hashed(token).encode() in stored
    assert main(["api-keys", "list", *given]) == 0
    listed = capsys.readouterr().out
    assert "messages read" in listed and "in use" in listed and token not in listed
    assert main(["api-keys", "revoke", token.split("_")[1], *given]) == 0
    assert main(["api-keys", "revoke", token.split("_")[1], *given]) == 1
    capsys.readouterr()
    main(["api-keys", "list", *given])
    assert "revoked" in capsys.readouterr().out
