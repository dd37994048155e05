"""What the desk's words mean, for agents on every surface. Data only."""

from __future__ import annotations

from collections.abc import Mapping

#: The desk's words, in the order of a ticket's life.
GLOSSARY: Mapping[str, str] = {
    "ticket": "One matter of one person, whatever the channels it came by. Its reference looks like DG-42.",
    "requester": "The person who asked.",
    "agent": "A member of the desk who answers. A lead also sees the team and assigns; an admin changes settings.",
    "assistant": "The bot that answers first, from the articles. It is silent once a person has the ticket.",
    "hand-off": "A ticket goes from the assistant to people; the card says why.",
    "tier": "Who has it: 0 the assistant, 1 the front line, 2 experts, 3 specialists.",
    "queue": "Where tickets of one kind wait, such as Orders. It may have a channel in Slack.",
    "card": "A ticket at a glance in its queue's channel. It is changed in place; its thread is where agents talk.",
    "claim": "The ticket is yours from now on.",
    "note": "Words for agents only. Everything written in a card's thread is one.",
    "reply": "Words for the requester. They are shown to you as they will be sent, before they are.",
    "canned reply": "A text prepared for what is asked often, in the requester's language, to be changed as you like.",
    "undo": "An answer leaves a few seconds after you send it; until then it can be taken back.",
    "consult": "Ask a colleague or another queue for an opinion; the ticket stays yours.",
    "transfer": "Give it to another queue or colleague on the same level, with a note.",
    "escalate": "Pass it to those who know more or may decide more, with a note.",
    "approval": "A yes or no that somebody with more authority has to say.",
    "snooze": "Out of sight until a time.",
    "pending": "Waits for the requester. The clock of what we promised stands still.",
    "on hold": "Waits for somebody who is neither us nor the requester.",
    "resolved": "Done. A real answer of the requester opens it again; thanks do not.",
    "closed": "Resolved some days ago. A new message makes a new ticket.",
    "SLA": "What we promised: when the first answer, the next one and the solution come, in working hours.",
    "breach": "A promise was not kept. It is warned of before.",
    "protected": "Holds something sensitive. Only members of its queue and leads see it; files stay on the desk.",
    "masked": "Card numbers and the like are shown as [card]. The original is sealed.",
    "merge": "Two tickets are about the same: all of one goes into the other.",
    "split": "One message is about something else: it becomes a ticket of its own.",
    "delivery": "How far an answer came: queued, sent, delivered, or not, and then why. It can be sent again.",
    "deflection": "Matters that the assistant solved, so that nobody had to.",
}

#: For the browser; Slack has its own, about its buttons and threads.
FIRST_STEPS = (
    "A ticket that needs a person stands in its queue. Open it: what was said, why it came and what is promised "
    "are on one page.",
    "Claim it, so that others know that you are on it.",
    "Write. A note is for colleagues only; a reply is shown to you as it will be sent, and can be undone for a few "
    "seconds.",
    "What the ticket needs else stands beside it: ask, pass on, let it rest, put right. Each says what it does.",
    "Resolve it when it is done. If the requester answers, it opens again by itself; thanks do not open it.",
)
