"""Where others read along nothing private is said: a neutral line, and the answer in private."""

from __future__ import annotations

from pathlib import Path

from gateway.model import Address, Choice, ChoiceAction, Verb
from gateway.policy import AccountPolicy
from gateway.store import Driver
from tests.world import World

IBAN = "my account SI56191000000123438 was charged twice"
PRIVATE = Address(connector="chat", account="main", conversation="mia-direct")


async def test_a_private_matter_in_public_gets_a_neutral_line_and_no_answer_there(
    driver: Driver, articles: Path
) -> None:
    async with World(driver, articles) as world:
        await world.say(IBAN, private=False)
        number = (await world.ticket()).id
        (notice,) = [post for post in world.chat.posts if post.address.conversation == "mia"]
        assert "Others can read along" in notice.text and "Confidential" not in notice.text
        refused = await world.act(Verb.REPLY, number, "lea", text="Your refund of 12 EUR is on its way.")
        assert refused.state == "refused" and "Continue in private" in refused.detail

        choice = Choice(action=ChoiceAction.HUMAN, ticket=number)
        await world.say(
            "Continue in private", address=PRIVATE, refers_to=(f"subj:DG-{number}",), choice=choice
        )
        done = await world.act(Verb.REPLY, number, "lea", text="Your refund of 12 EUR is on its way.")
        assert done.state == "done"
        await world.later(seconds=5)
        assert [post.address for post in world.chat.posts if "refund" in post.text] == [PRIVATE]

        await world.say("thank you, one more thing", private=False)  # back in the public place
        await world.act(Verb.REPLY, number, "lea", text="Of course, your IBAN ends in 38.")
        await world.later(seconds=5)
        assert [post.address for post in world.chat.posts if "ends in 38" in post.text] == [PRIVATE]


async def test_an_ordinary_matter_is_answered_where_it_was_asked(driver: Driver, articles: Path) -> None:
    async with World(driver, articles) as world:
        await world.say("a person, please", private=False)
        number = (await world.ticket()).id
        assert (await world.act(Verb.REPLY, number, text="Here I am.")).state == "done"
        page = await world.page(number)
        assert [leg.public for leg in page.legs if leg.address.connector == "chat"] == [True]


async def test_a_channel_that_answers_in_private_by_itself_is_left_to_do_so(
    driver: Driver, articles: Path
) -> None:
    accounts = {"chat/main": AccountPolicy(threaded=False, answers_privately=True)}
    async with World(driver, articles, accounts=accounts) as world:
        await world.say(IBAN, private=False)
        assert (await world.act(Verb.REPLY, (await world.ticket()).id, "lea", text="Yes.")).state == "done"
