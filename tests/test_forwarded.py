"""A colleague forwards a mail: the original sender is proposed, and nothing goes out before somebody has chosen."""

from __future__ import annotations

import pytest

from gateway.desk.situation import Situation
from gateway.desk.verbs import usable
from gateway.model import Agent, Identity, Verb
from gateway.text.forward import original_sender
from tests.world import World

MIA = Identity(kind="email", value="mia@example.org", name="Mia Kovač")


async def forwarded(world: World, **fields: object) -> int:
    await world.store.add_agent(Agent(id="cara", name="Cara", email="Cara@example.org"), 0)
    await world.say(
        "FYI, where is her order?",
        who="cara",
        door="mail",
        subject="Fwd: Order",
        forwarded_from=MIA,
        **fields,
    )
    (number,) = await world.numbers()
    return number


async def test_nothing_goes_out_before_the_requester_is_chosen(world: World) -> None:
    number = await forwarded(world)
    assert world.mail.posts == [] and (await world.ticket()).cause == "forwarded"
    for verb in (Verb.REPLY, Verb.RESOLVE):
        refused = await world.act(verb, number, text="It is on its way.")
        assert refused.state == "refused" and "Mia Kovač" in refused.detail
    await world.later(minutes=1)
    assert world.mail.posts == []


@pytest.mark.parametrize(
    ("chosen", "goes_to"), [("mia@example.org", "mia@example.org"), ("sender", "cara@example.org")]
)
async def test_answers_go_to_whoever_was_chosen(world: World, chosen: str, goes_to: str) -> None:
    number = await forwarded(world)
    page = await world.page(number)
    forms = usable(Situation(page=page, agent=Agent(id="ana", name="Ana"), policy=world.policy))
    (form,) = [form for form in forms if form.verb is Verb.REQUESTER]
    assert [option.value for option in form.fields[0].options] == ["mia@example.org", "sender"]
    assert (await world.act(Verb.REQUESTER, number, value="noa@example.org")).state == "refused"
    done = await world.act(Verb.REQUESTER, number, value=chosen)
    assert done.state == "done" and goes_to in done.detail
    assert (await world.act(Verb.REPLY, number, text="It is on its way.")).state == "done"
    await world.later(seconds=10)
    (post,) = world.mail.posts
    assert post.address.conversation == goes_to
    assert (await world.page(number)).requester == ("Mia Kovač" if chosen != "sender" else "Cara")
    assert (await world.act(Verb.REQUESTER, number, value=chosen)).state == "refused"


async def test_what_the_requester_answers_belongs_to_the_ticket(world: World) -> None:
    number = await forwarded(world)
    await world.act(Verb.REQUESTER, number, value="mia@example.org")
    await world.act(Verb.REPLY, number, text="It is on its way.")
    await world.later(seconds=10)
    key = f"mid:ours-{world.mail.posts[-1].id}@example.com"
    await world.say("Thank you, and the lamp?", door="mail", subject="Re: Order", refers_to=(key,))
    assert await world.numbers() == [number]


async def test_a_stranger_who_forwards_proposes_nobody(world: World) -> None:
    await world.say("Fwd", who="noa", door="mail", subject="Fwd: Order", forwarded_from=MIA)
    assert all(p.role != "proposed" for p in (await world.page(max(await world.numbers()))).participants)


async def test_a_forged_colleague_proposes_nobody(world: World) -> None:
    number = await forwarded(world, vouched="fail")
    assert "requester_proposed" not in await world.events(number)


@pytest.mark.parametrize(
    ("text", "subject", "found"),
    [
        (
            "FYI\n\n------- Forwarded message -------\nFrom: Mia Kovač <Mia@example.org>\nDate: x",
            "Fwd: a",
            ("Mia Kovač", "mia@example.org"),
        ),
        (
            "Bitte\n\nVon: Mia Kovač [mailto:mia@example.org]\nGesendet: Montag\nAn: us\nBetreff: a",
            "WG: a",
            ("Mia Kovač", "mia@example.org"),
        ),
        (
            "请看\n\n发件人：米娅 <mia@example.org>\n发送时间：2026年3月2日\n主题：订单",
            "转发：订单",
            ("米娅", "mia@example.org"),
        ),
        (
            "Begin forwarded message:\n\n> From: Mia <mia@example.org>\n> Subject: a",
            "Fwd: a",
            ("Mia", "mia@example.org"),
        ),
        ("Posredujem\n\nOd: Mia Kovač <mia@example.org>\nPoslano: ponedeljek\nZadeva: a", "PO: a", None),
        ("From: Mia <mia@example.org>\nDate: x", "Re: a", None),
        ("FYI", "Fwd: a", None),
        ("---------- Forwarded message ---------\nFrom: somebody without an address", "Fwd: a", None),
    ],
)
def test_the_original_sender_is_read_from_the_copied_header(
    text: str, subject: str, found: tuple[str, str] | None
) -> None:
    assert original_sender(text, subject=subject) == found
