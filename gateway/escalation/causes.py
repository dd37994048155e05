"""Why a ticket came to people: the codes that reports count, in the words that agents read."""

from __future__ import annotations

from collections.abc import Mapping

#: What an agent sees as the reason. The code itself is what reports count.
CAUSES: Mapping[str, str] = {
    "wants_human": "The person asked for a person.",
    "not_helped": "The answer did not help.",
    "no_match": "No article answers this.",
    "low_confidence": "No article answers this for sure.",
    "no_articles": "There are no articles to answer from.",
    "partly": "Part of the message has no article.",
    "unclear": "The person chose none of the articles offered.",
    "sensitive": "The message is about a private matter.",
    "anger": "The person is angry.",
    "abuse": "The person is abusive.",
    "threat_violence": "The person threatens violence.",
    "threat_reputation": "The person threatens with lawyers, authorities, the press or reviews.",
    "asks_manager": "The person asks for a manager.",
    "vip": "One of the most important customers wrote.",
    "high_priority": "A rule says that this is urgent.",
    "repeated": "The person wrote again and again without an answer.",
    "rule": "A rule keeps this from the bot.",
    "too_many": "The bot has answered often enough on this.",
    "machine": "A machine wrote this; nothing automatic answers it.",
    "unreadable": "The message could not be read.",
    "files": "The message holds only files.",
    "too_long": "The message is too long for the bot.",
    "late": "The message is too old for an automatic answer.",
    "bot_off": "The bot is switched off.",
    "bot_stopped": "A lead has stopped the bot.",
    "suggested": "The assistant only suggests here; a person answers.",
    "budget": "This address has had as many automatic messages as one gets.",
    "forged": "The mail host takes the sender for forged; nothing automatic goes there.",
    "crowd": "Several people are talking; nothing automatic answers them.",
    "copied": "We only got a copy; nothing automatic answers it.",
    "forwarded": "A colleague forwarded it; choose who the requester is.",
    "suppressed": "Mail to this address came back; nothing automatic is sent to it.",
    "breach": "A promise to the person was broken.",
    "unacknowledged": "Nobody took it in time.",
    "agent": "An agent passed it on.",
    "by_hand": "An agent wrote it down for somebody.",
}

#: Why an agent passes a ticket on, as they choose it; "" among them is refused where a cause is required.
HANDOVER: Mapping[str, str] = {
    "expertise": "It needs somebody who knows this better.",
    "authority": "It needs somebody who may decide this.",
    "wrong_queue": "It belongs to another queue.",
    "defect": "It looks like a defect of ours.",
    "exception": "The person asks for an exception to a rule.",
    "complaint": "It is a complaint about us.",
    "language": "It needs another language.",
    "no_time": "There is no time for it here.",
    "other": "For another reason, see the note.",
}
