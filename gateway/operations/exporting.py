"""Export: everything that people said and did, in forms that any program reads: JSON lines, mails, files.

Unlike a backup it is readable without the key and cannot be restored; whoever has it has everything.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from gateway.errors import StoreError
from gateway.model import Attachment, TicketPage
from gateway.privacy import CannotOpen, Seal
from gateway.store import Store, ledger
from gateway.store import exporting as queries

PORTION = 100
_UNSAFE = re.compile(r"[^\w.-]+")
_FORMS = {"email": "eml"}


class Exported(msgspec.Struct, kw_only=True):
    """What was written, and what could not be opened."""

    tickets: int = 0
    contacts: int = 0
    originals: int = 0
    files: int = 0
    closed: int = 0  #: originals and files that were erased, or whose key is not here


async def export(store: Store, seal: Seal, folder: Path, progress: Callable[[int], None]) -> Exported:
    """Writes into a new folder, for its owner only. Raises StoreError when the folder holds something."""
    await asyncio.to_thread(_prepare, folder)
    done = Exported()
    await _tickets(store, seal, folder, done, progress)
    await _contacts(store, folder, done)
    await _originals(store, seal, folder, done)
    return done


def _prepare(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty. Give a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in ("originals", "files"):
        (folder / name).mkdir()


async def _tickets(
    store: Store, seal: Seal, folder: Path, done: Exported, progress: Callable[[int], None]
) -> None:
    after, files = 0, set[str]()
    with (folder / "tickets.jsonl").open("wb") as out:
        while numbers := await store.driver.read(
            functools.partial(queries.tickets, after=after, limit=PORTION)
        ):
            for number in numbers:
                page = await store.ticket_page(number)
                if page is None:
                    continue
                out.write(msgspec.json.encode(page) + b"\n")
                done.tickets += 1
                await _files(store, seal, folder, page, files, done)
            after = numbers[-1]
            progress(done.tickets)


async def _files(
    store: Store, seal: Seal, folder: Path, page: TicketPage, known: set[str], done: Exported
) -> None:
    attachments: Sequence[Attachment] = [file for entry in page.entries for file in entry.attachments]
    for file in attachments:
        if not file.sha256 or file.sha256 in known:
            continue
        known.add(file.sha256)
        try:
            content = seal.open_file(file.sha256, await store.blob(file.sha256))
        except CannotOpen:
            done.closed += 1
            continue
        name = f"{file.sha256[:16]}-{_UNSAFE.sub('_', file.filename)[-80:].strip('.') or 'file'}"
        await asyncio.to_thread((folder / "files" / name).write_bytes, content)
        done.files += 1


async def _contacts(store: Store, folder: Path, done: Exported) -> None:
    found: dict[int, dict[str, object]] = {}
    identities: dict[int, list[dict[str, object]]] = {}
    for number, name, language, created, kind, value, alias, verified in await store.driver.read(
        queries.contacts
    ):
        found[number] = {"id": number, "name": name, "language": language, "created_at": created}
        identities.setdefault(number, []).append(
            {"kind": kind, "value": value, "name": alias, "verified": bool(verified)}
        )
    lines = [msgspec.json.encode({**each, "identities": identities[n]}) for n, each in found.items()]
    await asyncio.to_thread((folder / "contacts.jsonl").write_bytes, b"".join(line + b"\n" for line in lines))
    done.contacts = len(found)


async def _originals(store: Store, seal: Seal, folder: Path, done: Exported) -> None:
    after = 0
    while found := await store.driver.read(functools.partial(queries.originals, after=after, limit=PORTION)):
        for number, connector in found:
            try:
                content = await original(store, seal, number)
            except CannotOpen:
                done.closed += 1
                continue
            name = f"{number}.{_FORMS.get(connector, 'json')}"
            await asyncio.to_thread((folder / "originals" / name).write_bytes, content)
            done.originals += 1
        after = int(found[-1][0])


async def original(store: Store, seal: Seal, number: int) -> bytes:
    """The bytes that a channel gave us for an input, b"" when none were kept. Raises CannotOpen."""
    sealed, blob = await store.driver.read(lambda tx: ledger.raw(tx, number))
    if blob:
        return await asyncio.to_thread(seal.open_file, blob, await store.blob(blob))
    return seal.open(sealed, b"raw") if sealed else b""
