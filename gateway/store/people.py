"""The members of the desk, their one-time links and their sessions. Tokens are kept only as hashes."""

from __future__ import annotations

import hashlib
import zlib

from gateway.clock import to_ms
from gateway.model import Agent, Member, Post
from gateway.store import rows
from gateway.store.tx import Tx, marks


def hashed(token: str) -> str:
    """What is stored of a token. The tokens are random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def add_agent(tx: Tx, agent: Agent, now: int) -> None:
    """Adds a member or changes the one with this id."""
    tx.run(
        f"INSERT INTO agents ({rows.AGENT}, created_at) VALUES ({marks(10)}) "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, email = excluded.email, "
        "slack_id = excluded.slack_id, active = excluded.active, languages = excluded.languages, "
        "skills = excluded.skills, away_until = excluded.away_until",
        (
            agent.id,
            agent.name,
            agent.role,
            agent.email,
            agent.slack_id,
            int(agent.active),
            rows.dump(agent.languages),
            rows.dump(agent.skills),
            to_ms(agent.away_until) if agent.away_until else 0,
            now,
        ),
    )
    tx.notify("agents")


def agents(tx: Tx) -> list[Agent]:
    return [rows.agent(row) for row in tx.all(f"SELECT {rows.AGENT} FROM agents ORDER BY name, id")]


def team(tx: Tx) -> list[Member]:
    """Everybody who may work, with the open tickets that are theirs."""
    found = tx.all(
        "SELECT assignee, COUNT(*) FROM tickets WHERE assignee <> '' AND status IN ('new', 'open', 'pending') "
        "GROUP BY assignee"
    )
    loads = {row[0]: int(row[1]) for row in found}
    return [Member(agent=each, load=loads.get(each.id, 0)) for each in agents(tx) if each.active]


def agent(tx: Tx, agent_id: str) -> Agent | None:
    row = tx.one(f"SELECT {rows.AGENT} FROM agents WHERE id = ?", (agent_id,))
    return rows.agent(row) if row else None


def agent_by_slack(tx: Tx, slack_id: str) -> Agent | None:
    row = tx.one(f"SELECT {rows.AGENT} FROM agents WHERE slack_id = ? AND slack_id <> ''", (slack_id,))
    return rows.agent(row) if row else None


def add_sign_in(tx: Tx, token: str, agent_id: str, expires_at: int) -> None:
    tx.run(
        "INSERT INTO sign_ins (token_hash, agent, expires_at) VALUES (?, ?, ?)",
        (hashed(token), agent_id, expires_at),
    )


def ask_sign_in(tx: Tx, post: Post, now: int, since: int, most: int) -> bool:
    """Puts a sign-in link for a member into the outbox; False when they were sent enough of them since then."""
    a = post.address
    # No ticket and no leg; what goes to one member goes in order, and holds up nobody else.
    leg = -1 - zlib.crc32(post.sign_in.encode())
    sent = tx.one("SELECT COUNT(*) FROM outbox WHERE leg = ? AND created_at > ?", (leg, since))
    if sent and sent[0] >= most:
        return False
    tx.run(
        "INSERT INTO outbox (ticket, leg, entry, kind, state, connector, account, recipient, automatic, payload, "
        "created_at, not_before) VALUES (0, ?, 0, ?, 'queued', ?, ?, ?, 0, ?, ?, ?)",
        (leg, post.kind, a.connector, a.account, a.recipient, rows.dump(post), now, now),
    )
    tx.notify("outbox")
    return True


def by_email(tx: Tx, email: str) -> Agent | None:
    row = tx.one(f"SELECT {rows.AGENT} FROM agents WHERE email = ? AND email <> ''", (email,))
    return rows.agent(row) if row else None


def set_away(tx: Tx, agent_id: str, until: int) -> bool:
    """Away until then, milliseconds; 0: there."""
    changed = tx.run("UPDATE agents SET away_until = ? WHERE id = ?", (until, agent_id))
    tx.notify("agents")
    return bool(changed)


def deactivate(tx: Tx, agent_id: str) -> bool:
    """May work here no longer: sessions and unused links are void at once."""
    changed = tx.run("UPDATE agents SET active = 0 WHERE id = ? AND active = 1", (agent_id,))
    tx.run("DELETE FROM sessions WHERE agent = ?", (agent_id,))
    tx.run("DELETE FROM sign_ins WHERE agent = ?", (agent_id,))
    tx.notify("agents")
    return bool(changed)


def sign_in_waiting(tx: Tx, token: str, now: int) -> Agent | None:
    """Whom an unused link would sign in."""
    row = tx.one(
        "SELECT agent FROM sign_ins WHERE token_hash = ? AND used_at = 0 AND expires_at > ?",
        (hashed(token), now),
    )
    return agent(tx, row[0]) if row else None


def redeem(tx: Tx, token: str, name: str, session: str, now: int, expires_at: int) -> bool:
    """Uses the link up and opens the session; the name is taken only by a member who has none yet."""
    used = tx.one(
        "UPDATE sign_ins SET used_at = ? WHERE token_hash = ? AND used_at = 0 AND expires_at > ? RETURNING agent",
        (now, hashed(token), now),
    )
    if used is None:
        return False
    if name:
        tx.run("UPDATE agents SET name = ? WHERE id = ? AND name = ''", (name, used[0]))
    open_session(tx, used[0], session, expires_at)
    tx.notify("agents")
    return True


def open_session(tx: Tx, agent_id: str, session: str, expires_at: int) -> None:
    """From now on whoever shows this token is that member, however they proved it."""
    tx.run(
        "INSERT INTO sessions (token_hash, agent, expires_at) VALUES (?, ?, ?)",
        (hashed(session), agent_id, expires_at),
    )


def agent_of_session(tx: Tx, session: str, now: int) -> Agent | None:
    row = tx.one(
        f"SELECT {rows.prefixed(rows.AGENT, 'a')} FROM sessions s JOIN agents a ON a.id = s.agent "
        "WHERE s.token_hash = ? AND s.expires_at > ? AND a.active = 1",
        (hashed(session), now),
    )
    return rows.agent(row) if row else None


def end_session(tx: Tx, session: str) -> None:
    tx.run("DELETE FROM sessions WHERE token_hash = ?", (hashed(session),))
