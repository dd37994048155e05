"""The vocabulary: values that travel between the rooms of Deskgate. Imports nothing else of ours.

Everything here is frozen and keyword-only; times are aware UTC datetimes; texts for people are Markdown.
"""

from __future__ import annotations

from gateway.model.choices import (
    Assignment,
    ChoiceAction,
    EntryKind,
    LedgerState,
    Priority,
    Role,
    SendKind,
    SendState,
    Side,
    Speaker,
    Status,
    Verb,
)
from gateway.model.forms import Field, FieldKind, Group, Option, VerbForm, filled
from gateway.model.inputs import (
    AdminChange,
    AgentAction,
    AnyInput,
    Bounce,
    Cursor,
    Deletion,
    Delivery,
    DeliveryReport,
    Edit,
    Input,
    Message,
    Offer,
    Receipt,
    TimerDue,
)
from gateway.model.outgoing import ActionResult, Card, Outgoing, Post, Remove, Replace, Sent
from gateway.model.people import Address, Agent, Identity, Member
from gateway.model.pieces import Attachment, Button, Choice
from gateway.model.reads import CannedReply, History, TicketPage, TicketView, View
from gateway.model.tickets import BotState, Entry, Event, Leg, Participant, Ticket, reference
from gateway.model.watch import Mark, Promise, Step, Watch
from gateway.model.work import Ask, AskKind, Work

__all__ = [
    "ActionResult",
    "Address",
    "AdminChange",
    "Agent",
    "AgentAction",
    "AnyInput",
    "Ask",
    "AskKind",
    "Assignment",
    "Attachment",
    "BotState",
    "Bounce",
    "Button",
    "CannedReply",
    "Card",
    "Choice",
    "ChoiceAction",
    "Cursor",
    "Deletion",
    "Delivery",
    "DeliveryReport",
    "Edit",
    "Entry",
    "EntryKind",
    "Event",
    "Field",
    "FieldKind",
    "Group",
    "History",
    "Identity",
    "Input",
    "LedgerState",
    "Leg",
    "Mark",
    "Member",
    "Message",
    "Offer",
    "Option",
    "Outgoing",
    "Participant",
    "Post",
    "Priority",
    "Promise",
    "Receipt",
    "Remove",
    "Replace",
    "Role",
    "SendKind",
    "SendState",
    "Sent",
    "Side",
    "Speaker",
    "Status",
    "Step",
    "Ticket",
    "TicketPage",
    "TicketView",
    "TimerDue",
    "Verb",
    "VerbForm",
    "View",
    "Watch",
    "Work",
    "filled",
    "reference",
]
