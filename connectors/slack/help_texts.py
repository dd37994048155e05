"""What agents are told about the desk in Slack: first steps and the commands. Data only."""

from __future__ import annotations

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
