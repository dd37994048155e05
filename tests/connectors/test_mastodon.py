"""Mastodon: what is said in public goes on in private, and nobody but the person is called or reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.mastodon import service
from connectors.mastodon.connector import Mastodon
from connectors.mastodon.media import File, Limits, fits, read_limits
from connectors.mastodon.normalize import is_public, normalize
from connectors.mastodon.sending import FIRST_LINE, parts
from connectors.mastodon.settings import Settings
from gateway import words
from gateway.conformance import Served
from gateway.errors import InvalidPayload, Retryable
from gateway.model import Address, AgentAction, Attachment, Identity, Post, SendKind, Verb
from gateway.views import TicketFilter, TicketLine
from tests import mastodon_standin
from tests.connectors.doors import hire
from tests.mastodon_standin import TOKEN, Server
from tests.running import ARTICLES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[tuple[Served, Server]]:
    """A shop with the sample articles, and a protected queue."""
    async with mastodon_standin.running() as server:
        account = {"server": server.url, "access_token": TOKEN, "poll_seconds": 0.05}
        queues = {
            "general": {"title": "Customer care", "default": True},
            "protected": {"title": "Confidential matters", "protected": True},
        }
        async with Served.running(
            tmp_path, {"mastodon": {"main": account}}, bot={"articles": str(ARTICLES)}, queues=queues
        ) as served:
            await hire(served)
            await until(lambda: len(server.asked) > 1)
            yield served, server


async def until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.05)


async def tickets(served: Served) -> list[TicketLine]:
    return await served.deskgate.store.ticket_lines(TicketFilter())


async def test_a_public_question_is_answered_in_private_with_one_line_in_public(
    shop: tuple[Served, Server],
) -> None:
    served, server = shop
    asked = server.mentions("Where is my order?")["status"]
    await until(lambda: server.ours("direct"))

    (line,) = server.ours("public", "unlisted", "private")
    assert line["plain"] == f"@mia {FIRST_LINE['en']}" and line["visibility"] == "unlisted"
    assert line["in_reply_to_id"] == asked["id"]
    answer = server.ours("direct")[0]
    assert answer["plain"].startswith("@mia ") and "Track parcel" in answer["plain"]

    # In private it goes on, in the same ticket, and the line is not said again.
    server.mentions("no, that did not help", visibility="direct", reply_to=answer["id"])
    await until(lambda: len(server.ours("direct")) > 1 and "DG-" in server.ours("direct")[-1]["plain"])
    assert len(server.ours("public", "unlisted", "private")) == 1
    (ticket,) = await tickets(served)
    assert ticket.queue == "general"


async def test_a_private_matter_told_in_public_is_not_repeated_there(shop: tuple[Served, Server]) -> None:
    served, server = shop
    server.mentions("You charged my card 4111 1111 1111 1111 twice!")
    await until(lambda: server.ours("direct"))
    public = " ".join(status["plain"] for status in server.ours("public", "unlisted", "private"))
    assert "4111" not in public and "card" not in public and "private" not in public
    assert all("4111" not in status["plain"] for status in server.ours())
    (ticket,) = await tickets(served)
    assert ticket.queue == "protected"


async def test_an_agents_answer_goes_where_the_person_was_last(shop: tuple[Served, Server]) -> None:
    served, server = shop
    server.mentions("a person, please", visibility="direct")
    await until(lambda: server.ours("direct"))
    (ticket,) = await tickets(served)
    said = AgentAction(
        connector="desk", account="test", delivery_key="a1", at=NOW, verb=Verb.REPLY, ticket=ticket.id,
        actor=Identity(kind="agent", value="ana", verified=True), text="Write to @boss@example.social, or *me*.",
    )  # fmt: skip
    assert (await served.deskgate.host.act(said)).state in ("done", "accepted")
    await until(lambda: len(server.ours("direct")) > 1)
    reply = server.ours("direct")[-1]
    assert reply["in_reply_to_id"] == server.ours("direct")[-2]["id"]
    assert "@\u200bboss" in reply["plain"]  # nobody else is called into a private matter
    assert not server.ours("public", "unlisted", "private")


async def test_the_same_send_again_shows_it_once(shop: tuple[Served, Server]) -> None:
    served, server = shop
    asked = server.mentions("hello")["status"]
    await until(lambda: server.ours("direct"))
    connector = served.deskgate.connectors["mastodon/main"]
    address = Address(
        connector="mastodon", account="main", conversation="mia", thread=f"public/{asked['id']}"
    )
    before = len(server.ours())
    post = Post(id=77, address=address, kind=SendKind.NOTICE, ticket=1, text="word " * 300)
    first, again = await connector.send(post), await connector.send(post)
    assert first == again and len(first.external_ids) > 1
    assert len(server.ours()) == before + 1 + len(first.external_ids)


def file(name: str, kind: str, content: bytes = b"bytes") -> Attachment:
    return Attachment(filename=name, content_type=kind, content=content, size=len(content))


async def test_files_go_with_the_answer_and_what_mastodon_does_not_show_is_named(
    shop: tuple[Served, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LOOK_EVERY", 0.01)
    served, server = shop
    server.mentions("a person, please", visibility="direct")
    await until(lambda: server.ours("direct"))
    (ticket,) = await tickets(served)
    pictures = [file(f"side-{n}.png", "image/png", b"png%d" % n) for n in range(5)]
    others = [file("how-to.mp4", "video/mp4"), file("invoice.pdf", "application/pdf")]
    said = AgentAction(
        connector="desk", account="test", delivery_key="a2", at=NOW, verb=Verb.REPLY, ticket=ticket.id,
        actor=Identity(kind="agent", value="ana", verified=True), text="All sides of it.",
        attachments=(*pictures, *others),
    )  # fmt: skip
    assert (await served.deskgate.host.act(said)).state in ("done", "accepted")
    await until(lambda: len(server.ours("direct")) == 4)
    first, second, film = server.ours("direct")[1:]
    assert first["plain"].startswith("@mia") and first["plain"].endswith("All sides of it.\n\n[invoice.pdf]")
    assert [len(each["media"]) for each in (first, second, film)] == [4, 1, 1]
    assert second["plain"] == film["plain"] == "@mia" and film["visibility"] == "direct"
    shown = [server.media[number] for each in (first, second, film) for number in each["media"]]
    assert [medium["description"] for medium in shown] == [f.filename for f in (*pictures, others[0])]
    assert shown[1]["content"] == b"png1" and shown[-1]["content_type"] == "video/mp4"


async def test_files_are_shown_once_though_the_first_try_broke(shop: tuple[Served, Server]) -> None:
    served, server = shop
    server.mentions("hello", visibility="direct")
    await until(lambda: server.ours("direct"))
    connector = served.deskgate.connectors["mastodon/main"]
    address = Address(connector="mastodon", account="main", conversation="mia")
    post = Post(
        id=78,
        address=address,
        kind=SendKind.AGENT,
        ticket=1,
        text="See",
        attachments=(file("a.png", "image/png"),),
    )
    before = len(server.ours())
    server.fault = (503, {})
    with pytest.raises(Retryable):
        await connector.send(post)
    server.fault = None
    first, again = await connector.send(post), await connector.send(post)
    assert first == again and len(server.ours()) == before + 1 and server.ours()[-1]["media"]


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ({}, Limits()),
        ({"configuration": 7}, Limits()),
        ({"configuration": {"media_attachments": {"image_size_limit": 5}}}, Limits(picture=5)),
        ({"configuration": {"statuses": {"max_media_attachments": 16}}}, Limits(together=16)),
        (
            {"configuration": {"media_attachments": {"supported_mime_types": ["image/png"]}}},
            Limits(kinds=frozenset({"image/png"})),
        ),
    ],
)
def test_the_servers_limits_are_read_and_mastodons_stand_for_what_is_missing(
    given: dict[str, Any], limits: Limits
) -> None:
    assert read_limits(given) == limits


@pytest.mark.parametrize(
    ("kind", "size", "limits", "taken"),
    [
        ("image/png", 5, Limits(), True),
        ("image/png", 6, Limits(picture=5), False),
        ("video/mp4", 6, Limits(picture=5), True),
        ("application/pdf", 5, Limits(), False),
        ("image/webp", 5, Limits(kinds=frozenset({"image/png"})), False),
        ("image/png", 0, Limits(), False),
    ],
)
def test_a_file_fits_or_is_only_named(kind: str, size: int, limits: Limits, taken: bool) -> None:
    assert fits(File(listed=file("a", kind), data=b"x" * size), limits) is taken


def notified(**status: Any) -> dict[str, Any]:
    server = Server(url="https://example.social")
    return server.mentions(**{"text": "Hello", **status})


@pytest.mark.parametrize(
    ("status", "text", "private", "automatic"),
    [
        ({"text": "Where is my order?"}, "Where is my order?", False, ""),
        ({"text": "One\n\ntwo\nthree", "visibility": "direct"}, "One\n\ntwo\nthree", True, ""),
        ({"text": "For followers", "visibility": "private"}, "For followers", False, ""),
        ({"text": "Hello", "spoiler_text": "Warning"}, "Warning\n\nHello", False, ""),
        ({"text": "beep", "who": "bot@example.net"}, "beep", False, "bot account"),
        ({"text": "<script>alert(1)</script> & co"}, "<script>alert(1)</script> & co", False, ""),
    ],
)
def test_a_mention_becomes_a_message(
    status: dict[str, Any], text: str, private: bool, automatic: str
) -> None:
    (message,) = normalize(notified(**status), NOW, "main", own="1")
    assert (message.text, message.private, message.automatic) == (text, private, automatic)
    assert is_public(message.address) is not private
    assert message.sender.verified and message.message_key.startswith("mastodon:main/")


def test_what_is_no_business_of_ours_is_none() -> None:
    assert normalize({**notified(), "type": "favourite"}, NOW, "main", own="1") == []
    assert normalize(notified(who="support"), NOW, "main", own="1") == []
    with pytest.raises(InvalidPayload):
        normalize({"id": "1", "type": "mention", "account": None}, NOW, "main", own="1")


def test_a_file_is_named_with_the_reason_why_it_was_left() -> None:
    media = [{"id": "9", "type": "image", "description": "My broken vase"}]
    (message,) = normalize(notified(media_attachments=media), NOW, "main", own="1")
    assert message.attachments[0].filename == "My broken vase (9)" and message.attachments[0].skipped


def test_every_part_names_the_person_and_fits() -> None:
    address = Address(connector="mastodon", account="main", conversation="mia@a-rather-long-server.example")
    post = Post(id=1, address=address, kind=SendKind.ANSWER, ticket=1, text="Ein Satz mit Wörtern. " * 100)
    made = parts(post, 500)
    assert len(made) > 4 and all(len(part) <= 500 and part.startswith("@mia@a-rather") for part in made)


def test_the_public_line_is_there_in_every_language() -> None:
    assert set(FIRST_LINE) == set(words.load().languages)


def test_settings_say_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"server": "https://example.social/", "access_token": "t"}
    assert Settings.model_validate(good).server == "https://example.social"
    for bad in (
        {**good, "server": "example.social"},
        {**good, "server": "http://example.social"},
        {"server": "x"},
    ):
        with pytest.raises(ValidationError):
            Settings.model_validate(bad)
    monkeypatch.setattr("connectors.mastodon.settings.find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r"pip install 'deskgate\[mastodon\]'"):
        Settings.model_validate(good)


async def test_it_waits_until_it_runs() -> None:
    connector = Mastodon(
        "main", Settings.model_validate({"server": "https://example.social", "access_token": "t"}), b""
    )
    address = Address(connector="mastodon", account="main", conversation="mia")
    with pytest.raises(Exception, match="not running yet"):
        await connector.send(Post(id=1, address=address, kind=SendKind.NOTICE, ticket=1, text="x"))
