"""What an agent reads beside the reason why a ticket came: what to say, what to avoid, who is responsible. Pure."""

from __future__ import annotations

from collections.abc import Mapping

#: By cause code. `[escalation.playbook]` replaces a text, an empty one hides it.
PLAYBOOK: Mapping[str, str] = {
    "anger": "Name what went wrong and what happens next, with a time; no defence, and no rules first: "
    '"I see why this is annoying. I am looking into it and you hear from me by …". Anybody may answer.',
    "abuse": "Stay short and polite, answer the matter and not the words. One warning, then a lead decides whether "
    'we go on: "I want to help you with this; please let us stay polite."',
    "threat_violence": "Do not answer alone. Tell the lead on duty at once and keep every word; the lead calls the "
    "police where it is concrete. Promise nothing, meet nobody.",
    "threat_reputation": "Do not argue and do not promise money. A lead answers: what happened, what we do about it, "
    "by when. What a lawyer or an authority wrote goes to management unanswered.",
    "asks_manager": 'A lead answers, by their role: "I lead this team and I have taken over your case." Whoever had '
    "it tells the lead first what was tried.",
    "sensitive": "Never repeat the number or secret or ask for it again. A password or code: tell the person to "
    "change it now. Whoever is in the protected queue is responsible.",
    "vip": "Answer in person and soon; whoever looks after them is told. Nothing from a template.",
    "repeated": "Say sorry for the silence first, then answer all that was asked since. One person keeps it.",
    "not_helped": "Read what the assistant quoted before you answer; do not send the same article again.",
    "breach": "Write one line now, even without a solution: what is being done, and by when they hear again.",
    "unacknowledged": "Claim it or say who does. The person waits, and was told that you have it.",
    "wants_human": "Say who you are, and do not ask what the person has told the assistant already.",
}


def advice(cause: str, own: Mapping[str, str]) -> str:
    """What to do about this cause, "" where nothing is written."""
    return own[cause] if cause in own else PLAYBOOK.get(cause, "")
