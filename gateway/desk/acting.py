"""What the verbs of the desk share: the line that an agent adds, what their colleagues see, and who has the floor."""

from __future__ import annotations

from collections.abc import Callable

from gateway.context import Context
from gateway.draft import Draft
from gateway.errors import Refused
from gateway.escalation.hand_off import ask_card, tell_agents
from gateway.model import Address, Agent, AgentAction, Entry, EntryKind, Leg, SendKind, Side, Speaker, Verb
from gateway.policy import Policy
from gateway.privacy import mask

#: draft, context, action, the agent, id of the ledger row -> the sentence that the agent reads.
Handler = Callable[[Draft, Context, AgentAction, Agent, int], str]


def member(context: Context) -> Agent:
    """Who acts, if they may work here. Raises Refused."""
    agent = context.person.agent
    if agent is None or not agent.active:
        raise Refused("You are not a member of this desk. Ask an admin to add you.")
    return agent


def said(kind: EntryKind, action: AgentAction, agent: Agent, context: Context, ledger_id: int) -> Entry:
    """What the agent wrote, as a line of the conversation."""
    # A note may quote what the requester wrote; card numbers have no place in it either.
    text = mask(action.text).text if kind is EntryKind.NOTE else action.text
    return Entry(
        kind=kind,
        at=context.now,
        text=text,
        author=agent.name,
        author_key=f"agent:{agent.id}",
        attachments=action.attachments,
        ledger_id=ledger_id,
    )


def note_if_any(draft: Draft, context: Context, action: AgentAction, agent: Agent, ledger_id: int) -> None:
    """Keeps the text of an action as a note, where it has one."""
    if action.text.strip():
        draft.append(said(EntryKind.NOTE, action, agent, context, ledger_id))


def show_in_thread(draft: Draft, action: AgentAction, text: str, agent: Agent, link: str = "") -> None:
    """Shows in the agents' thread what was done elsewhere; what was typed there stands there already.

    link: the ticket on the desk; with it the files of the action come along.
    """
    if not typed_in_thread(draft, action):
        tell_agents(
            draft,
            mask(text).text,
            author=agent.name,
            attachments=action.attachments if link else (),
            link=link,
        )


def typed_in_thread(draft: Draft, action: AgentAction) -> bool:
    """Whether the agent typed it below the ticket's card; where a colleague was asked beside that is another place."""
    leg = draft.leg(Side.AGENT)
    return action.address is not None and leg is not None and leg.address.key == action.address.key


def take_floor(draft: Draft) -> None:
    """From now on the bot is silent; what it had not sent yet is taken back."""
    for send in draft.unsent(SendKind.ANSWER):
        draft.withdraw(send)
    draft.set(speaker=Speaker.AGENT)
    draft.set_bot(awaiting="", options=())


def notes_so_far(draft: Draft) -> str:
    """The newest notes in one text, for those who take the ticket over; "" for none."""
    lines = [f"*{note.author}:* {note.text}" for note in draft.folder.notes[-3:] if note.text]
    return "\n\n".join(lines)


def ring(draft: Draft, policy: Policy, address: Address | None, text: str, *verbs: Verb) -> None:
    """Puts the ticket's card, with what is wanted, before colleagues who are not its current queue."""
    current = draft.leg(Side.AGENT)
    if address is None or (current is not None and current.address.conversation == address.conversation):
        return
    leg: Leg = draft.aside(address)
    draft.post(leg, text, kind=SendKind.NOTICE, card=ask_card(draft, policy, text, verbs))
