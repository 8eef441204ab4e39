"""A customer whom an agent gave back to the bot and who then leaves is asked how it was: once, and never into an open question."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from chebao.conversations.api import Conversation, DeliveryJob, Incoming
from chebao.desk.agents import Agent
from tests.contract.desk.conftest import Open
from tests.contract.desk.office import Office, until
from tests.fakes.rasa import FakeRasa

_ASKED = "您打几分"
_QUESTION = [{"text": "车牌号是多少？"}]


async def ended(office: Office, conversation_id: str, *, words: str = "您好，我来帮您") -> Agent:
    """An episode that ends with the bot, which is asked to go on by itself."""
    agent = await office.agent("general", ready=True)
    await office.hand_off(conversation_id)
    await office.has(agent, conversation_id)
    if words:
        await office.handling.say(agent, conversation_id, words, key=uuid4().hex)
    await office.handling.give_back(agent, conversation_id, edits={})
    return agent


async def given_back(office: Office, conversation_id: str, **more: str) -> Agent:
    """The same, after the bot has gone on."""
    said = len(await office.texts(conversation_id, "bot"))
    agent = await ended(office, conversation_id, **more)

    async def went_on() -> bool:
        return len(await office.texts(conversation_id, "bot")) > said

    await until(went_on)
    return agent


async def answered(office: Office, conversation_id: str, text: str) -> None:
    (row,) = await office.rows("SELECT peer FROM hub.conversations WHERE id = %s", conversation_id)
    assert await office.hub.turn_over(await office.hub.accept(Incoming("door", "", row["peer"], None, text)), within=5)


async def times_asked(office: Office, conversation_id: str) -> int:
    return sum(_ASKED in text for text in await office.texts(conversation_id))


async def surveys(office: Office, conversation_id: str) -> list[dict[str, Any]]:
    return await office.rows("SELECT * FROM desk.surveys WHERE conversation_id = %s", conversation_id)


async def looks_again(office: Office, conversation_id: str) -> bool:
    query = "SELECT 1 FROM desk.timers WHERE kind = 'score' AND key = %s AND due_at > now() + %s"
    return bool(await office.rows(query, conversation_id, timedelta(minutes=9)))


async def test_who_says_nothing_more_is_asked_once_also_across_a_restart(open_desk: Open) -> None:
    async with open_desk() as office:
        await office.empty()
        conversation_id = await office.customer()
        agent = await given_back(office, conversation_id)
        assert await looks_again(office, conversation_id) and not await times_asked(office, conversation_id)
    async with open_desk() as restarted:
        await restarted.age_timers("score", conversation_id)
        last = (await restarted.hub.messages_after(conversation_id, 0))[-1]
        assert (
            last.text.startswith("本次人工服务已结束")
            and last.text.endswith(f"{_ASKED}？")
            and len(last.buttons or []) == 5
        )
        assert not await restarted.rows("SELECT 1 FROM desk.timers WHERE key = %s", conversation_id)
        await answered(restarted, conversation_id, "4")
        (survey,) = await surveys(restarted, conversation_id)
        episode = await restarted.episode(conversation_id)
        assert (survey["score"], survey["about"], survey["agent_id"]) == (4, episode["id"], agent.id)
        assert await times_asked(restarted, conversation_id) == 1


async def test_an_open_question_of_the_bot_stays_what_was_said_last(office: Office, rasa: FakeRasa) -> None:
    conversation_id = await office.customer()
    rasa.script = lambda body: _QUESTION
    await given_back(office, conversation_id)
    await office.age_timers("score", conversation_id)
    assert (await office.hub.messages_after(conversation_id, 0))[-1].text == "车牌号是多少？"
    assert await looks_again(office, conversation_id), "he may come back, and leave then"
    rasa.script = lambda body: [{"text": "这份资料补齐了。"}]
    await answered(office, conversation_id, "京A12345")
    await office.age_timers("score", conversation_id)
    assert not await times_asked(office, conversation_id), "he has only just written"
    await office.age_timers("score", conversation_id)
    assert await times_asked(office, conversation_id) == 1


async def test_while_the_bot_has_yet_to_go_on_nothing_is_asked(office: Office, rasa: FakeRasa) -> None:
    conversation_id = await office.customer()
    rasa.hanging = True
    await ended(office, conversation_id)
    await until(lambda: begun(office, conversation_id))
    await office.age_timers("score", conversation_id)
    assert not await times_asked(office, conversation_id) and await looks_again(office, conversation_id)


async def begun(office: Office, conversation_id: str) -> bool:
    return (await office.conversation(conversation_id)).turn_seq is not None


async def test_after_a_day_it_is_not_asked_any_more(office: Office, rasa: FakeRasa) -> None:
    conversation_id = await office.customer()
    rasa.script = lambda body: _QUESTION
    await given_back(office, conversation_id)
    ago = "UPDATE desk.timers SET body = body || jsonb_build_object('since', (now() - interval '13 hours')::text) WHERE key = %s"
    await office.rows(ago, conversation_id)
    await office.age_timers("score", conversation_id)
    assert not await office.rows("SELECT 1 FROM desk.timers WHERE key = %s", conversation_id)


async def test_who_was_asked_when_the_task_was_done_or_spoke_to_nobody_is_not_asked(
    office: Office, rasa: FakeRasa
) -> None:
    told = await office.customer()
    rasa.script = lambda body: [{"text": "报案号 CL2"}, {"custom": {"effects": [{"finished": {}}]}}]
    await given_back(office, told)
    unheard = await office.customer()
    rasa.script = lambda body: [{"text": "您接着说就行。"}]
    await given_back(office, unheard, words="")
    for conversation_id, times in ((told, 1), (unheard, 0)):
        await office.age_timers("score", conversation_id)
        assert await times_asked(office, conversation_id) == len(await surveys(office, conversation_id)) == times


class Window:
    """A platform that takes messages only while its window is open."""

    name = "wechat"

    def __init__(self) -> None:
        self.open = True

    async def takes(self, conversation: Conversation) -> bool:
        return self.open

    async def deliver(self, job: DeliveryJob) -> None:
        await job.sending(*job.ids)
        await job.sent(*job.ids)


async def test_where_the_platform_takes_nothing_now_it_is_asked_later(office: Office, rasa: FakeRasa) -> None:
    window, peer = Window(), f"peer-{uuid4().hex}"
    office.hub.delivery.add(window)
    accepted = await office.hub.accept(Incoming("wechat", "test", peer, None, "您好", conversation_id=peer))
    assert await office.hub.turn_over(accepted, within=5)
    await given_back(office, peer)
    window.open = False
    await office.age_timers("score", peer)
    assert not await times_asked(office, peer) and await looks_again(office, peer)
    window.open = True
    await office.age_timers("score", peer)
    assert await times_asked(office, peer) == 1
