"""What agents are told about the desk: first steps, the commands, and what its words mean. Data only."""

from __future__ import annotations

from collections.abc import Mapping

FIRST_STEPS = (
    "**New here?** Every ticket that needs a person is a card in its queue's channel.",
    "1. Press **Claim**, so that others know that you are on it.",
    "2. What you write in the card's thread is a **private note**. The requester never sees it.",
    "3. **Reply…** is what goes out: you see it as it will be sent, and can undo it for a few seconds.",
    "4. When it is done, press **Resolve**. If the requester answers, the ticket opens again by itself.",
)

COMMANDS: tuple[tuple[str, str], ...] = (
    (
        "search words",
        "Find tickets: `/deskgate search kettle is:open`. All words must be there, in any order.",
    ),
    ("ticket DG-42", "Show one ticket, with how its answers fared, and work on it."),
    ("next", "The ticket that should be worked on next becomes yours."),
    ("mine", "My open tickets and my queues."),
    ("team", "For leads: who has how much, what waits longest."),
    ("practice", "A pretend ticket to try everything on. Nobody is written to and nothing is counted."),
    ("glossary word", "What the desk's words mean; without a word, all of them."),
    ("help", "This."),
)

FILTERS = (
    "`queue:orders` · `is:open` `is:done` `is:pending` · `tag:refund` · `from:mia` · `owner:ana` `owner:nobody` · "
    '`priority:high` · `in:email` · `"words together"`'
)

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
