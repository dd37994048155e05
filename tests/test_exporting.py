"""Export: what people said and did, for programs that are not ours."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.model import Delivery
from gateway.operations.exporting import export
from gateway.privacy import Seal
from tests.world import World, a_file

MAIL = b"From: mia@example.org\r\nSubject: My parcel\r\n\r\n" + b"Where is it?\r\n" * 6000


async def test_everything_comes_out_readable(world: World, tmp_path: Path) -> None:
    file = a_file("../photo 1.png", b"x" * 100_000)
    message = world.message("a person, please", door="mail", attachments=(file,), connector="email")
    await world.host.receive([Delivery(input=message, raw=MAIL)])
    await world.say("Where is my order?", who="lou")
    await world.settle()
    folder = tmp_path / "out"
    done = await export(world.store, world.seal, folder, lambda count: None)
    assert (done.tickets, done.files, done.closed) == (2, 1, 0) and done.originals >= 2 and done.contacts == 2
    lines = [json.loads(line) for line in (folder / "tickets.jsonl").read_text().splitlines()]
    assert lines[0]["entries"][0]["text"] == "a person, please"
    contacts = [json.loads(line) for line in (folder / "contacts.jsonl").read_text().splitlines()]
    assert {who["identities"][0]["value"] for who in contacts} == {"mia@example.org", "lou"}
    (mail,) = folder.glob("originals/*.eml")
    assert message_from_bytes(mail.read_bytes(), policy=policy.default)["Subject"] == "My parcel"
    (photo,) = folder.glob("files/*")
    assert photo.read_bytes() == b"x" * 100_000 and photo.name.endswith("photo_1.png")
    assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(StoreError, match="not empty"):
        await export(world.store, world.seal, folder, lambda count: None)


async def test_what_another_key_sealed_is_counted(world: World, tmp_path: Path) -> None:
    await world.say("Where is my order?", attachments=(a_file(),))
    done = await export(world.store, Seal(b"x" * 32), tmp_path / "out", lambda count: None)
    assert (done.tickets, done.originals, done.files, done.closed) == (1, 0, 0, 2)
