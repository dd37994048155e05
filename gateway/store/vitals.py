"""How the installation fares, as the database knows it: small indexed reads, so that they may be asked often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gateway.store.tx import Tx

#: Counting goes no further: more than this is "many".
MOST = 10_000
#: Flags that remember when each account was heard last.
HEARD = "heard/"


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """Times are milliseconds, 0 for none; counts stop at MOST."""

    oldest_input: int = 0  #: when the oldest input that is not handled was taken
    pending: int = 0
    oldest_send: int = 0  #: when the oldest message that has not left was to leave
    waiting: int = 0  #: messages that have not left
    dead: int = 0
    quarantined: int = 0
    failed: int = 0
    uncertain: int = 0
    paused: bool = False  #: the outbox is
    heard: Mapping[str, int] = {}  #: account -> when its last input was taken


def vitals(tx: Tx) -> Vitals:
    """One look at everything."""
    oldest = tx.one("SELECT received_at FROM ledger WHERE state = 'pending' ORDER BY id LIMIT 1")
    unsent = "state IN ('held', 'queued', 'sending')"
    due = tx.one(f"SELECT MIN(created_at) FROM outbox WHERE {unsent}")
    heard = tx.all("SELECT name, value FROM flags WHERE name LIKE 'heard/%'")
    return Vitals(
        oldest_input=int(oldest[0]) if oldest else 0,
        pending=_count(tx, "ledger", "state = 'pending'"),
        oldest_send=int(due[0]) if due and due[0] is not None else 0,
        waiting=_count(tx, "outbox", unsent),
        dead=_count(tx, "ledger", "state = 'dead'"),
        quarantined=_count(tx, "ledger", "state = 'quarantined'"),
        failed=_count(tx, "outbox", "state = 'failed'"),
        uncertain=_count(tx, "outbox", "state = 'uncertain'"),
        paused=tx.one("SELECT 1 FROM flags WHERE name = 'outbox_paused' AND value = '1'") is not None,
        heard={str(name).removeprefix(HEARD): int(value) for name, value in heard},
    )


def _count(tx: Tx, table: str, where: str) -> int:
    row = tx.one(f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {where} LIMIT {MOST}) AS found")
    return int(row[0]) if row else 0


def remember_heard(tx: Tx, heard: Mapping[str, int]) -> None:
    """Writes down when accounts were heard; another replica's later time stays."""
    for account, at in sorted(heard.items()):
        tx.run(
            "INSERT INTO flags (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = "
            f"CASE WHEN CAST(excluded.value AS {tx.dialect.int}) > CAST(flags.value AS {tx.dialect.int}) "
            "THEN excluded.value ELSE flags.value END",
            (f"{HEARD}{account}", str(at)),
        )


# ---------------------------------------------------------------- alarms


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something that somebody must hear of. `state`: "raised" (to be told), "told", "over" (to be told)."""

    name: str
    at: int
    text: str
    state: str = "raised"


def alarms(tx: Tx) -> list[Alarm]:
    """What is raised, or over and not told yet, oldest first."""
    found = tx.all("SELECT name, at, text, state FROM alarms ORDER BY at, name")
    return [Alarm(name=name, at=int(at), text=text, state=state) for name, at, text, state in found]


def raise_alarm(tx: Tx, name: str, at: int, text: str) -> bool:
    """False when it is raised already; one that had ended and was not told as over goes on."""
    return bool(
        tx.run(
            "INSERT INTO alarms (name, at, text, state) VALUES (?, ?, ?, 'raised') ON CONFLICT (name) DO UPDATE "
            "SET state = 'told', text = excluded.text WHERE alarms.state = 'over'",
            (name, at, text),
        )
    )


def end_alarm(tx: Tx, name: str) -> None:
    """It is over: to be told where its beginning was, forgotten where nobody heard of it."""
    tx.run("DELETE FROM alarms WHERE name = ? AND state = 'raised'", (name,))
    tx.run("UPDATE alarms SET state = 'over' WHERE name = ? AND state = 'told'", (name,))


def alarms_told(tx: Tx, told: Sequence[Alarm]) -> None:
    """Somebody heard of them: a beginning is remembered, an end forgotten."""
    for alarm in told:
        if alarm.state == "over":
            tx.run("DELETE FROM alarms WHERE name = ? AND state = 'over'", (alarm.name,))
        else:
            tx.run("UPDATE alarms SET state = 'told' WHERE name = ? AND state = 'raised'", (alarm.name,))
