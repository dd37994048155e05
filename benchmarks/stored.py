"""A database that has been in use: tickets with everything that belongs to them, written by SQL and not by handling."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gateway.store.sqlite_file import connect, migrate

#: Ids of tickets are ledger ids; these lie below what handling will give out.
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :tickets) "
_VISITOR = "printf('visitor-%07d', i)"
_AT = "(:now - 60000 * (:tickets - i))"  # a ticket a minute

#: Closed tickets of the web chat: a question, the bot's answer, three events, all sent and settled.
_WEBCHAT = (
    f"""INSERT INTO ledger (id, connector, account, delivery_key, stream, kind, state, received_at, ready_at, turn,
        ticket) {_NUMBERS} SELECT i, 'webchat', 'site', {_VISITOR} || ':1', 'webchat/site/' || {_VISITOR}, 'message',
        'accepted', {_AT}, {_AT}, i, i FROM n""",
    f"""INSERT INTO turns (id, stream, at, inputs, policy, knowledge, reply) {_NUMBERS}
        SELECT i, 'webchat/site/' || {_VISITOR}, {_AT}, '[' || i || ']', 'p', 'k', '' FROM n""",
    f"""INSERT INTO contacts (id, name, language, created_at) {_NUMBERS} SELECT i, '', 'en', {_AT} FROM n""",
    f"""INSERT INTO identities (id, kind, value, contact, verified, greeted_at) {_NUMBERS}
        SELECT i, 'webchat', {_VISITOR}, i, 1, {_AT} FROM n""",
    f"""INSERT INTO tickets (id, version, status, tier, queue, priority, speaker, subject, language, assignee, tags,
        cause, protected, created_at, updated_at, bot) {_NUMBERS} SELECT i, 2, 'closed', 0, '', 'normal', 'bot', '',
        'en', '', '[]', '', 0, {_AT}, {_AT}, '{{}}' FROM n""",
    f"""INSERT INTO legs (id, ticket, side, connector, account, conversation, thread, current, link) {_NUMBERS}
        SELECT i, i, 'requester', 'webchat', 'site', {_VISITOR}, '', 1, '' FROM n""",
    f"""INSERT INTO participants (ticket, kind, value, name, role) {_NUMBERS}
        SELECT i, 'webchat', {_VISITOR}, '', 'requester' FROM n""",
    f"""INSERT INTO thread_keys (key, ticket, leg, at) {_NUMBERS}
        SELECT 'at:webchat/site/' || {_VISITOR} || '/', i, i, {_AT} FROM n""",
    f"""INSERT INTO seen (message_key, version, ticket) {_NUMBERS} SELECT {_VISITOR} || ':1', '1', i FROM n""",
    f"""INSERT INTO entries (ticket, kind, at, author, author_key, text, full_text, attachments, buttons, message_key,
        version, ledger, reason) {_NUMBERS} SELECT i, kind, {_AT}, '', 'webchat:' || {_VISITOR},
        'Where is the parcel that I ordered last week, it should be here by now?', '', '[]', '[]',
        {_VISITOR} || ':1', '1', i, '' FROM n, (SELECT 'message' AS kind UNION ALL SELECT 'answer')""",
    f"""INSERT INTO events (ticket, kind, at, turn, data) {_NUMBERS} SELECT i, kind, {_AT}, i, '{{}}'
        FROM n, (SELECT 'opened' AS kind UNION ALL SELECT 'threaded' UNION ALL SELECT 'answered')""",
    f"""INSERT INTO outbox (id, ticket, leg, entry, kind, state, connector, account, recipient, automatic, payload,
        created_at, not_before, attempts, settled_at) {_NUMBERS} SELECT i, i, i, 2 * i, 'answer', 'accepted',
        'webchat', 'site', 'webchat/site/' || {_VISITOR}, 1, '{{}}', {_AT}, {_AT}, 1, {_AT} FROM n""",
)

#: Gives the first of them to people: a queue, and a card in Slack with its thread.
_CARDS = (
    "UPDATE tickets SET status = 'open', queue = 'general', tier = 1, speaker = 'agent' WHERE id <= :cards",
    """INSERT INTO legs (ticket, side, connector, account, conversation, thread, current, link)
       SELECT id, 'agent', 'slack', 'main', :channel, printf('1700000000.%06d', id - 1), 1, '' FROM tickets
       WHERE id <= :cards""",
    """INSERT INTO thread_keys (key, ticket, leg, at) SELECT 'at:slack/main/' || :channel || '/' || thread, ticket, id,
       0 FROM legs WHERE side = 'agent'""",
)


def fill(path: Path, tickets: int, now: int, *, cards: int = 0, channel: str = "") -> None:
    """Makes a database with so many tickets, a ticket a minute up to `now` (milliseconds).

    cards   the first so many are open and shown in the Slack `channel`
    """
    migrate(path)
    connection = connect(path)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        values = {"tickets": tickets, "now": now, "cards": cards, "channel": channel}
        _write(connection, values, (*_WEBCHAT, *(_CARDS if cards else ())))
    finally:
        connection.close()


def _write(connection: sqlite3.Connection, values: dict[str, object], statements: tuple[str, ...]) -> None:
    connection.execute("BEGIN")
    for statement in statements:
        connection.execute(statement, values)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
