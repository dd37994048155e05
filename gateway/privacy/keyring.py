"""Whether the installation key is the one that sealed this database; a start with another one is refused."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import SettingsError
from gateway.privacy import NoKey, Seal
from gateway.store import Store
from gateway.store.examination import KEY_FLAG


async def check_key(store: Store, seal: Seal, where: str, made: Path | None) -> None:
    """Writes down which key is in use. Raises SettingsError when the database was sealed with another.

    `made`: the key file that this very start made, which is then taken away again.
    """
    known = await store.flag(KEY_FLAG)
    if not await _fits(store, seal, known):
        _take_back(made)
        raise SettingsError([_refusal(where, known, made)])
    if known != seal.id:
        await store.set_flag(KEY_FLAG, seal.id)


def _take_back(made: Path | None) -> None:
    if made is not None:
        made.unlink(missing_ok=True)


async def _fits(store: Store, seal: Seal, known: str) -> bool:
    if known:
        return seal.knows(known)
    sealed = await store.newest_sealed()  # of a version that did not write its key's name down
    try:
        return not sealed or bool(seal.open(sealed, b"input"))
    except NoKey:
        return False


def _refusal(where: str, known: str, made: Path | None) -> str:
    what = "there is no such file, but" if made else "this is not the key that sealed the database:"
    named = (
        f"its messages were sealed with the key {known}" if known else "its messages were sealed with another"
    )
    return (
        f"{where}: {what} {named}. Put that key back, or name it in DESKGATE_OLD_KEYS. Nothing was changed. "
        "When it is lost for ever: `deskgate key accept` goes on with a new one, without what was sealed."
    )
