"""The schema as numbered migrations, in the SQL that SQLite and PostgreSQL share.

Times are integers: milliseconds since 1970, UTC. JSON is text. `{id}`, `{int}` and `{bytes}` are the only
words a driver replaces. A migration that has shipped is never edited.
"""

from __future__ import annotations

from typing import NamedTuple


class Migration(NamedTuple):
    name: str
    statements: tuple[str, ...]


_LEDGER = (
    """CREATE TABLE ledger (
        id {id},
        connector TEXT NOT NULL, account TEXT NOT NULL, delivery_key TEXT NOT NULL,
        stream TEXT NOT NULL, kind TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending', reason TEXT NOT NULL DEFAULT '',
        received_at {int} NOT NULL, ready_at {int} NOT NULL,
        attempts {int} NOT NULL DEFAULT 0, duplicates {int} NOT NULL DEFAULT 0,
        turn {int}, ticket {int}, result TEXT NOT NULL DEFAULT '',
        sealed {bytes}, raw {bytes}, raw_blob TEXT NOT NULL DEFAULT '',
        UNIQUE (connector, account, delivery_key))""",
    "CREATE INDEX ledger_pending ON ledger (id) WHERE state = 'pending'",
    "CREATE INDEX ledger_stream ON ledger (stream, id) WHERE state = 'pending'",
    "CREATE INDEX ledger_trouble ON ledger (state, id) WHERE state IN ('dead', 'quarantined')",
    # One row a process, so that counting never waits for another replica.
    "CREATE TABLE acknowledged (worker TEXT PRIMARY KEY, inputs {int} NOT NULL)",
    "CREATE TABLE claims (stream TEXT PRIMARY KEY, fence TEXT NOT NULL, lease_until {int} NOT NULL)",
    """CREATE TABLE turns (
        id {id}, stream TEXT NOT NULL, at {int} NOT NULL, inputs TEXT NOT NULL,
        policy TEXT NOT NULL, knowledge TEXT NOT NULL, reply TEXT NOT NULL)""",
    "CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, size {int} NOT NULL, parts {int} NOT NULL)",
    """CREATE TABLE blob_parts (
        sha256 TEXT NOT NULL, part {int} NOT NULL, sealed {bytes} NOT NULL, PRIMARY KEY (sha256, part))""",
    "CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE leases (name TEXT PRIMARY KEY, owner TEXT NOT NULL, lease_until {int} NOT NULL)",
)

_TICKETS = (
    """CREATE TABLE contacts (
        id {id}, name TEXT NOT NULL, language TEXT NOT NULL DEFAULT '', created_at {int} NOT NULL)""",
    """CREATE TABLE identities (
        id {id}, kind TEXT NOT NULL, value TEXT NOT NULL, name TEXT NOT NULL DEFAULT '',
        contact {int} NOT NULL, verified {int} NOT NULL DEFAULT 0, greeted_at {int} NOT NULL DEFAULT 0,
        UNIQUE (kind, value))""",
    """CREATE TABLE tickets (
        id {int} PRIMARY KEY, version {int} NOT NULL, status TEXT NOT NULL, tier {int} NOT NULL,
        queue TEXT NOT NULL, priority TEXT NOT NULL, speaker TEXT NOT NULL, subject TEXT NOT NULL,
        language TEXT NOT NULL, assignee TEXT NOT NULL, tags TEXT NOT NULL, cause TEXT NOT NULL,
        protected {int} NOT NULL, created_at {int} NOT NULL, updated_at {int} NOT NULL, bot TEXT NOT NULL)""",
    "CREATE INDEX tickets_queue ON tickets (queue, status, id)",
    "CREATE INDEX tickets_assignee ON tickets (assignee, status, id) WHERE assignee <> ''",
    """CREATE TABLE legs (
        id {id}, ticket {int} NOT NULL, side TEXT NOT NULL, connector TEXT NOT NULL, account TEXT NOT NULL,
        conversation TEXT NOT NULL, thread TEXT NOT NULL, current {int} NOT NULL, link TEXT NOT NULL)""",
    "CREATE INDEX legs_ticket ON legs (ticket)",
    "CREATE INDEX legs_conversation ON legs (connector, account, conversation)",
    """CREATE TABLE participants (
        ticket {int} NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
        PRIMARY KEY (ticket, kind, value))""",
    "CREATE INDEX participants_identity ON participants (kind, value)",
    """CREATE TABLE thread_keys (
        key TEXT PRIMARY KEY, ticket {int} NOT NULL, leg {int} NOT NULL, at {int} NOT NULL)""",
    "CREATE INDEX thread_keys_leg ON thread_keys (leg, at) WHERE leg <> 0",
    """CREATE TABLE seen (
        message_key TEXT NOT NULL, version TEXT NOT NULL, ticket {int} NOT NULL,
        PRIMARY KEY (message_key, version))""",
    """CREATE TABLE entries (
        id {id}, ticket {int} NOT NULL, kind TEXT NOT NULL, at {int} NOT NULL, author TEXT NOT NULL,
        author_key TEXT NOT NULL, text TEXT NOT NULL, full_text TEXT NOT NULL, attachments TEXT NOT NULL,
        buttons TEXT NOT NULL, message_key TEXT NOT NULL, version TEXT NOT NULL, ledger {int} NOT NULL,
        reason TEXT NOT NULL)""",
    "CREATE INDEX entries_ticket ON entries (ticket, id)",
    """CREATE TABLE events (
        id {id}, ticket {int} NOT NULL, kind TEXT NOT NULL, at {int} NOT NULL, turn {int} NOT NULL,
        data TEXT NOT NULL)""",
    "CREATE INDEX events_ticket ON events (ticket, id)",
    "CREATE INDEX events_kind ON events (kind, id)",
    "CREATE TABLE timers (id {id}, ticket {int} NOT NULL, name TEXT NOT NULL, due_at {int} NOT NULL, "
    "UNIQUE (ticket, name))",
    "CREATE INDEX timers_due ON timers (due_at)",
)

_OUTBOX = (
    """CREATE TABLE outbox (
        id {id}, ticket {int} NOT NULL, leg {int} NOT NULL, entry {int} NOT NULL, kind TEXT NOT NULL,
        state TEXT NOT NULL, connector TEXT NOT NULL, account TEXT NOT NULL, recipient TEXT NOT NULL,
        automatic {int} NOT NULL, payload TEXT NOT NULL, created_at {int} NOT NULL, not_before {int} NOT NULL,
        attempts {int} NOT NULL DEFAULT 0, again {int} NOT NULL DEFAULT 0,
        lease_until {int} NOT NULL DEFAULT 0, fence TEXT NOT NULL DEFAULT '',
        external_ids TEXT NOT NULL DEFAULT '[]', reason TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '', settled_at {int} NOT NULL DEFAULT 0)""",
    "CREATE INDEX outbox_due ON outbox (not_before, id) WHERE state IN ('held', 'queued')",
    "CREATE INDEX outbox_leg ON outbox (leg, id) WHERE state IN ('held', 'queued', 'sending')",
    "CREATE INDEX outbox_sending ON outbox (lease_until) WHERE state = 'sending'",
    "CREATE INDEX outbox_trouble ON outbox (state, id) WHERE state IN ('failed', 'uncertain')",
    "CREATE INDEX outbox_ticket ON outbox (ticket, id)",
    "CREATE INDEX outbox_budget ON outbox (recipient, created_at) WHERE automatic = 1",
    # A row is locked while one automatic message to this recipient is decided, so that replicas count in turn.
    "CREATE TABLE budgets (recipient TEXT PRIMARY KEY, messages {int} NOT NULL)",
    "CREATE TABLE buckets (bucket TEXT PRIMARY KEY, open_at {int} NOT NULL)",
    "CREATE TABLE flags (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)

_PEOPLE = (
    """CREATE TABLE agents (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, email TEXT NOT NULL,
        slack_id TEXT NOT NULL, active {int} NOT NULL, created_at {int} NOT NULL)""",
    "CREATE UNIQUE INDEX agents_slack ON agents (slack_id) WHERE slack_id <> ''",
    "CREATE UNIQUE INDEX agents_email ON agents (email) WHERE email <> ''",
    """CREATE TABLE sign_ins (
        token_hash TEXT PRIMARY KEY, agent TEXT NOT NULL, expires_at {int} NOT NULL,
        used_at {int} NOT NULL DEFAULT 0)""",
    "CREATE TABLE sessions (token_hash TEXT PRIMARY KEY, agent TEXT NOT NULL, expires_at {int} NOT NULL)",
)

_RETURNED = (
    # The outbox row whose message a key names, so that a report finds the very reply that came back.
    "ALTER TABLE thread_keys ADD COLUMN send {int} NOT NULL DEFAULT 0",
    """CREATE TABLE suppressed (
        address TEXT PRIMARY KEY, reason TEXT NOT NULL, ticket {int} NOT NULL, at {int} NOT NULL)""",
)

_COPIES = ("ALTER TABLE legs ADD COLUMN cc TEXT NOT NULL DEFAULT '[]'",)

_RELEASED = ("ALTER TABLE ledger ADD COLUMN released {int} NOT NULL DEFAULT 0",)

_CORRECTIONS = (
    """CREATE TABLE corrections (
        id {id}, kind TEXT NOT NULL, source {int} NOT NULL, target {int} NOT NULL, entries TEXT NOT NULL,
        keys TEXT NOT NULL, at {int} NOT NULL, undone {int} NOT NULL DEFAULT 0)""",
    "CREATE INDEX corrections_source ON corrections (source)",
)

_WORK = (
    # What people asked of each other on a ticket (gateway/model/work.py), who is asked, and the incident it is part of.
    "ALTER TABLE tickets ADD COLUMN work TEXT NOT NULL DEFAULT '{{}}'",
    "ALTER TABLE tickets ADD COLUMN asked TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE tickets ADD COLUMN incident {int} NOT NULL DEFAULT 0",
    "CREATE INDEX tickets_asked ON tickets (id) WHERE asked <> ''",
    "CREATE INDEX tickets_incident ON tickets (incident, id) WHERE incident <> 0",
    "ALTER TABLE agents ADD COLUMN languages TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE agents ADD COLUMN skills TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE agents ADD COLUMN away_until {int} NOT NULL DEFAULT 0",
)

# What connectors sign in with (OAuth tokens), sealed.
_GRANTS = ("CREATE TABLE grants (name TEXT PRIMARY KEY, sealed {bytes} NOT NULL, at {int} NOT NULL)",)

# Clocks, escalation level and what was said about them (gateway/model/watch.py).
_WATCH = ("ALTER TABLE tickets ADD COLUMN watch TEXT NOT NULL DEFAULT '{{}}'",)

_OPERATIONS = (
    # What whoever runs Deskgate must hear of, once when it begins and once when it is over.
    "CREATE TABLE alarms (name TEXT PRIMARY KEY, at {int} NOT NULL, text TEXT NOT NULL, state TEXT NOT NULL)",
    # What a turn had read (sealed) and the ids of what it wrote, so that it can be decided and written again.
    "ALTER TABLE turns ADD COLUMN seen {bytes}",
    "ALTER TABLE turns ADD COLUMN made TEXT NOT NULL DEFAULT ''",
    # Articles, rules, canned replies and words as one numbered revision; equal files are kept once.
    """CREATE TABLE revisions (
        id {id}, digest TEXT NOT NULL, at {int} NOT NULL, author TEXT NOT NULL, files TEXT NOT NULL,
        reverts {int} NOT NULL DEFAULT 0)""",
    "CREATE TABLE content (sha256 TEXT PRIMARY KEY, body {bytes} NOT NULL)",
)

# What other programs sign in with; the token only as a hash.
_API_KEYS = (
    """CREATE TABLE api_keys (
        id TEXT PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scopes TEXT NOT NULL,
        agent TEXT NOT NULL, created_at {int} NOT NULL, revoked_at {int} NOT NULL DEFAULT 0)""",
)
# Whether others can read along on a leg.
_PUBLIC = ("ALTER TABLE legs ADD COLUMN public {int} NOT NULL DEFAULT 0",)

# Whether an input's original was dropped and only its masked copy is left; who else needs the same raw bytes.
_DROPPED = (
    "ALTER TABLE ledger ADD COLUMN dropped {int} NOT NULL DEFAULT 0",
    "CREATE INDEX ledger_raw_blob ON ledger (raw_blob) WHERE raw_blob <> ''",
)

# What readers of help pages said, by day; not who.
_PAGE_VERDICTS = (
    """CREATE TABLE page_verdicts (
        article TEXT NOT NULL, revision TEXT NOT NULL, day {int} NOT NULL, helped {int} NOT NULL,
        misled {int} NOT NULL, PRIMARY KEY (article, revision, day))""",
)

MIGRATIONS: tuple[Migration, ...] = (
    Migration("0001_ledger", _LEDGER),
    Migration("0002_tickets", _TICKETS),
    Migration("0003_outbox", _OUTBOX),
    Migration("0004_people", _PEOPLE),
    Migration("0005_returned", _RETURNED),
    Migration("0006_copies", _COPIES),
    Migration("0007_released", _RELEASED),
    Migration("0008_corrections", _CORRECTIONS),
    Migration("0009_work", _WORK),
    Migration("0010_grants", _GRANTS),
    Migration("0011_watch", _WATCH),
    Migration("0012_operations", _OPERATIONS),
    Migration("0013_api_keys", _API_KEYS),
    Migration("0014_public", _PUBLIC),
    Migration("0015_dropped", _DROPPED),
    Migration("0016_page_verdicts", _PAGE_VERDICTS),
)
