"""Closed choices: every word that a field may hold. Imports nothing of ours."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """Whose side of the ticket a leg is on."""

    REQUESTER = "requester"
    AGENT = "agent"


class Status(StrEnum):
    """Where a ticket stands. `resolved` reopens on a real answer, `closed` does not."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Speaker(StrEnum):
    """Who answers the requester now. The bot's answers leave only while this says `bot`."""

    BOT = "bot"
    AGENT = "agent"
    NOBODY = "nobody"


class Role(StrEnum):
    """What a member of the desk may do; each role may do what the one before may."""

    AGENT = "agent"
    LEAD = "lead"
    ADMIN = "admin"


class EntryKind(StrEnum):
    """What one line of a ticket's conversation is. Only `note` never leaves the desk."""

    MESSAGE = "message"  # the requester wrote it
    ANSWER = "answer"  # the bot answered it
    NOTICE = "notice"  # an automatic word: received, handed over, resolved
    REPLY = "reply"  # an agent answered it
    NOTE = "note"  # private to the desk


class SendKind(StrEnum):
    """Why something is sent; answers are withdrawn once the bot no longer has the floor."""

    ANSWER = "answer"
    NOTICE = "notice"
    AGENT = "agent"


class SendState(StrEnum):
    """How far an outgoing message has come."""

    HELD = "held"  # may still be undone
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"  # the channel took it
    DELIVERED = "delivered"  # the channel says the person has it
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    UNCERTAIN = "uncertain"  # the process died or the peer fell silent in the middle


class LedgerState(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    DEAD = "dead"


class Verb(StrEnum):
    """What an agent may do with a ticket, whatever the surface (gateway/desk/act.py says who may)."""

    CLAIM = "claim"
    RELEASE = "release"
    REPLY = "reply"
    UNDO = "undo"
    NOTE = "note"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    ESCALATE = "escalate"
    TAG = "tag"
    PRIORITY = "priority"
    RETRY = "retry"
    SEND_SUGGESTION = "send_suggestion"  # the bot's suggestion, as it is
    SPLIT = "split"  # this message and what came after it become a ticket of their own
    MOVE = "move"  # this message belongs to another ticket
    MERGE = "merge"  # all of it belongs to another ticket
    REQUESTER = "requester"  # who it is, where a colleague forwarded the mail
    RESTORE = "restore"  # takes back the last split, move or merge of this ticket
    CONSULT = "consult"  # an opinion is asked of a colleague or a queue; the owner stays
    ADVISE = "advise"  # … and given
    ASK_APPROVAL = "ask_approval"  # a yes or no is asked of an authority
    APPROVE = "approve"
    DECLINE = "decline"
    TRANSFER = "transfer"  # to another queue or colleague, without going up
    ASSIGN = "assign"  # a lead gives it to somebody
    NEXT = "next"  # the next ticket, whichever that is
    NEW = "new"  # a ticket by hand, for somebody who called or came
    INCIDENT = "incident"  # these tickets are one problem; this one leads
    APART = "apart"  # they only look like it
    JOIN_INCIDENT = "join_incident"
    LEAVE_INCIDENT = "leave_incident"
    REPRODUCED = "reproduced"  # an agent has tried whether it happens to everybody
    NOT_SENSITIVE = "not_sensitive"  # what was masked was no secret: unmask it
    SHOW_ORIGINAL = "show_original"  # look at what was masked, on the record
    LINK_ARTICLE = "link_article"  # this article answers it
    DRAFT_ARTICLE = "draft_article"  # this should become an article
    SNOOZE = "snooze"  # out of sight until a time
    HOLD = "on_hold"  # waits for somebody who is neither us nor the requester
    PENDING = "pending"  # waits for the requester


class BotMode(StrEnum):
    """What the bot may do by itself."""

    OFF = "off"
    SUGGEST = "suggest"  # its answer goes to agents, who send or edit it
    ANSWER = "answer"


class Assignment(StrEnum):
    """How the tickets of a queue find their owner."""

    PICK = "pick"  # whoever wants one takes it
    FIRST_COME = "first_come"  # in order: agents take the next one
    ROUND_ROBIN = "round_robin"  # given in turn, by language, skill and load


class ChoiceAction(StrEnum):
    """What a requester's button says."""

    HELPED = "helped"
    NOT_HELPED = "not_helped"
    HUMAN = "human"
    ARTICLE = "article"  # value: the article's name
    TOPIC = "topic"  # value: the topic's name
    NONE_OF_THESE = "none_of_these"
    RATE = "rate"  # value: "1" to "5"
