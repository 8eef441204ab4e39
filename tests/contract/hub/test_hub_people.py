"""Agents: one at a time, nobody talks over them, and whoever keeps account of them does so in the same transaction."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from chebao.conversations.api import Change, Incoming, Reply, Unit, give_to_agent
from chebao.conversations.tables import conversations
from chebao.db import Connection
from chebao.errors import Conflict
from tests.contract.hub.running import Running, Start
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio

_PICK = (
    "SELECT id FROM hub.conversations WHERE owner = 'queued' AND peer = ANY(%s)"
    " ORDER BY priority DESC, queued_at LIMIT 1 FOR UPDATE SKIP LOCKED"
)


@dataclass
class Account:
    """An observer with a table of its own kind: one audit row for each change."""

    seen: list[Change] = field(default_factory=list)
    fails: bool = False

    async def changed(self, unit: Unit, change: Change) -> None:
        await unit.connection.execute(
            "INSERT INTO desk.audit (actor, action, conversation_id) VALUES ('test', %s, %s)",
            (unit.conversation.owner, unit.conversation.id),
        )
        self.seen.append(change)
        if self.fails:
            raise RuntimeError("the account is closed")


@pytest.fixture
def account(app: Running) -> Account:
    observer = Account()
    app.hub.observe(observer)
    return observer


async def rows(app: Running, query: str, **values: Any) -> list[dict[str, Any]]:
    async with app.hub.engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(sa.text(query), values)).mappings()]


async def audited(app: Running, conversation_id: str) -> list[dict[str, Any]]:
    query = "SELECT action, xmin::text AS written_by FROM desk.audit WHERE conversation_id = :id ORDER BY id"
    return await rows(app, query, id=conversation_id)


async def test_a_message_that_calls_for_a_person_is_accounted_for_in_its_own_transaction(
    app: Running, account: Account, sender: str
) -> None:
    await app.say(sender, "你好")
    assert account.seen == []
    await app.say(sender, "转人工")
    conversation = await app.conversation_id(sender)
    (written,) = await audited(app, conversation)
    (row,) = await rows(app, "SELECT xmin::text AS written_by FROM hub.conversations WHERE id = :id", id=conversation)
    assert written == {"action": "queued", **row}
    (change,) = account.seen
    assert change.before.owner == "bot" and [m["sender"] for m in change.messages] == ["bot", "system"]


async def test_what_happens_while_people_have_it_is_accounted_for(app: Running, account: Account, sender: str) -> None:
    await app.say(sender, "转人工")
    await app.say(sender, "我的车在三环")
    await app.agent_takes(sender)
    await app.say(sender, "在吗")
    customers = [[m["text"] for m in change.messages if m["sender"] == "customer"] for change in account.seen]
    assert customers == [[], ["我的车在三环"], [], ["在吗"]]
    assert account.seen[2].before.owner == "queued"


async def test_what_cannot_be_accounted_for_does_not_happen(app: Running, account: Account, sender: str) -> None:
    await app.say(sender, "转人工")
    conversation, said = await app.conversation_id(sender), await app.stream(sender)
    before, account.fails = await app.state(sender), True
    with pytest.raises(RuntimeError):
        await app.agent_takes(sender)
    account.fails = False
    assert await app.state(sender) == before and await app.stream(sender) == said
    assert [row["action"] for row in await audited(app, conversation)] == ["queued"]
    await app.agent_takes(sender)
    assert [row["action"] for row in await audited(app, conversation)] == ["queued", "agent"]


async def test_of_many_agents_one_gets_it(app: Running, start: Start, sender: str) -> None:
    await app.say(sender, "转人工")
    conversation = await app.conversation_id(sender)
    async with start() as replica:
        tries = [
            hub.give(conversation, f"agent{number}", name=f"客服{number}", reason="taken", expect="queued")
            for number in range(10)
            for hub in (app.hub, replica.hub)
        ]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
    lost = [outcome for outcome in outcomes if outcome is not None]
    assert all(isinstance(outcome, Conflict) and "其他客服" in outcome.message for outcome in lost)
    # The winner's own second try, from the other replica, changes nothing and is no conflict.
    assert len(lost) == 18 and (await app.state(sender))["epoch"] == 2
    assert sum("已接入" in m["text"] for m in await app.stream(sender)) == 1


async def test_nothing_reaches_the_dialogue_while_an_agent_has_it(app: Running, rasa: FakeRasa, sender: str) -> None:
    await app.say(sender, "你好")
    await app.agent_takes(sender)
    asked = len(rasa.asked)
    for said in ("在吗", "/restart", "返回机器人", "转人工", "取消排队"):
        await app.say(sender, said)
    assert len(rasa.asked) == asked and (await app.state(sender))["owner"] == "agent"
    assert not [m for m in await app.stream(sender) if m["from"] == "bot" and m["seq"] > 3]


async def test_the_bots_late_answer_is_dropped_when_an_agent_has_come(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    await app.say(sender, "你好")
    rasa.delay = 0.3
    late = asyncio.create_task(app.say(sender, "我的车被撞了"))
    await asyncio.sleep(0.1)
    await app.agent_takes(sender)
    await app.hub.agent_says(
        await app.conversation_id(sender), "agent1", Reply("我是林晓，您说。"), key="a", name="林晓"
    )
    await late
    await asyncio.sleep(0.4)
    texts = [m["text"] for m in await app.stream(sender)]
    assert "收到：我的车被撞了" not in texts and texts[-1] == "我是林晓，您说。"


async def _joined(_: Connection) -> bool:
    return True


async def test_an_agents_words_are_said_once_and_only_while_it_is_his(app: Running, sender: str) -> None:
    await app.say(sender, "转人工")
    conversation = await app.conversation_id(sender)
    words = Reply("您好，请讲。")
    with pytest.raises(Conflict):
        await app.hub.agent_says(conversation, "agent1", words, key="k1", name="林晓")
    await app.agent_takes(sender)
    seq = await app.hub.agent_says(conversation, "agent1", words, key="k1", name="林晓")
    assert await app.hub.agent_says(conversation, "agent1", words, key="k1", name="林晓") == seq
    with pytest.raises(Conflict):
        await app.hub.agent_says(conversation, "agent2", words, key="k2", name="周敏")
    await app.hub.agent_says(conversation, "agent2", Reply("我也在。"), key="k3", name="周敏", joined=_joined)
    said = [m for m in await app.stream(sender) if m["from"] == "agent"]
    assert [(m["text"], m["custom"]["agent"]["name"]) for m in said] == [("您好，请讲。", "林晓"), ("我也在。", "周敏")]
    await app.hub.close(conversation, "agent1")
    assert await app.hub.agent_says(conversation, "agent1", words, key="k1", name="林晓") == seq


async def test_passing_on_names_the_new_agent_and_needs_the_old_one(app: Running, sender: str) -> None:
    await app.say(sender, "转人工")
    await app.agent_takes(sender)
    conversation = await app.conversation_id(sender)
    with pytest.raises(Conflict):
        await app.hub.give(conversation, "agent3", name="何强", reason="transfer", from_agent="agent2")
    await app.hub.give(conversation, "agent3", name="何强", reason="transfer", from_agent="agent1")
    found, _ = await app.hub.find("door", "", sender)
    assert (found.agent_id, found.epoch) == ("agent3", 3)
    assert "何强" in (await app.stream(sender))[-1]["text"]


async def test_back_in_the_queue_it_comes_before_its_equals_and_remembers_who_was_asked(
    app: Running, sender: str
) -> None:
    await app.say(sender, "转人工")
    await app.agent_takes(sender)
    conversation = await app.conversation_id(sender)
    await app.hub.requeue(conversation, reason="unanswered", from_agent="agent1", skill="claims", exclude=["agent1"])
    found, _ = await app.hub.find("door", "", sender)
    assert (found.owner, found.agent_id, found.priority, found.skill) == ("queued", None, 6, "claims")
    assert found.handoff is not None and found.handoff["exclude"] == ["agent1"]
    with pytest.raises(Conflict):
        await app.hub.requeue(conversation, reason="unanswered")
    said = len(await app.stream(sender))
    await app.agent_takes(sender, "agent2", "周敏")
    assert len(await app.stream(sender)) == said  # he was told that a person has come already


RETURNED = "returned_from_agent"


async def handed_to_agent(app: Running, rasa: FakeRasa, sender: str) -> str:
    """A conversation with a form under way that an agent has taken."""
    effect = {"reason": "customer_request", "task": "renewal", "slots": {"plate": "京A12345"}}
    rasa.script = lambda body: [{"custom": {"effects": [{"handoff": effect}]}}]
    await app.say(sender, "这个我不会填")
    await app.agent_takes(sender)
    rasa.script = lambda body: [{"text": "要哪个方案？"}] if body.get("intent") == RETURNED else [{"text": "好"}]
    return await app.conversation_id(sender)


async def test_back_from_an_agent_the_bot_goes_on_by_itself_with_what_he_changed(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    conversation = await handed_to_agent(app, rasa, sender)
    with pytest.raises(Conflict):
        await app.hub.return_to_bot(conversation, "agent2", edits={})
    await app.hub.return_to_bot(conversation, "agent1", edits={"plate": "沪AD12345"})
    texts = await said_last(app, sender, 2)
    assert texts == ["客服已处理完，由我继续为您服务。", "要哪个方案？"]
    asked = rasa.turns[-1]
    assert (asked["intent"], asked["entities"]) == (RETURNED, {"edits": {"plate": "沪AD12345"}, "task": "renewal"})
    with pytest.raises(Conflict):
        await app.hub.return_to_bot(conversation, "agent1", edits={})
    assert (await app.texts(sender, "标准方案"))[-1] == "好"
    assert len(rasa.turns) == 3 and not [
        m for m in await app.stream(sender) if m["from"] == "customer" and not m["text"]
    ]


async def said_last(app: Running, sender: str, number: int) -> list[str]:
    """The last messages, once the bot has spoken last."""
    async with asyncio.timeout(5):
        while (stream := await app.stream(sender))[-1]["from"] != "bot":
            await asyncio.sleep(0.02)
    return [m["text"] for m in stream[-number:]]


async def test_a_return_outlives_its_process_and_comes_before_what_is_written_next(
    app: Running, start: Start, rasa: FakeRasa, sender: str
) -> None:
    conversation = await handed_to_agent(app, rasa, sender)
    rasa.hanging = True
    await app.hub.return_to_bot(conversation, "agent1", edits={})
    await app.hub.turns.stop()
    rasa.hanging = False
    await app.hub.accept(Incoming(channel="door", account="", peer=sender, key=None, text="标准方案"))
    async with start():
        async with asyncio.timeout(5):
            while (await said_last(app, sender, 1)) != ["好"]:
                await asyncio.sleep(0.02)
    assert [t.get("intent", t["text"]) for t in rasa.turns[-2:]] == [RETURNED, "标准方案"]


async def test_where_the_bot_cannot_go_on_the_customer_hears_so(app: Running, rasa: FakeRasa, sender: str) -> None:
    conversation = await handed_to_agent(app, rasa, sender)
    rasa.errors = 2
    await app.hub.return_to_bot(conversation, "agent1", edits={})
    async with asyncio.timeout(5):
        while "接着刚才" not in (await app.stream(sender))[-1]["text"]:
            await asyncio.sleep(0.02)
    assert (await app.state(sender))["owner"] == "bot"


async def test_the_dialogue_hears_that_a_matter_is_settled(app: Running, rasa: FakeRasa, sender: str) -> None:
    conversation = await handed_to_agent(app, rasa, sender)
    rasa.script = lambda body: [{"custom": {"effects": [{"nothing": {}}]}}]
    await app.hub.close(conversation, "agent1")
    async with asyncio.timeout(5):
        while rasa.turns[-1].get("entities") != {"ended": True}:
            await asyncio.sleep(0.02)
    rasa.script = lambda body: [{"text": "您好"}]
    assert (await app.texts(sender, "又有事"))[-1] == "您好"
    assert (await app.state(sender))["owner"] == "bot"
    told = [m["text"] for m in await app.stream(sender)]
    assert "本次人工服务已结束" in told[-3] and told[-1] == "您好"


async def test_leaving_the_queue_and_ending_a_conversation(app: Running, sender: str) -> None:
    await app.say(sender, "转人工")
    conversation = await app.conversation_id(sender)
    await app.hub.leave_queue(conversation, reason="queue_limit", notice=Reply("先由我来。"))
    assert (await app.state(sender))["owner"] == "bot"
    with pytest.raises(Conflict):
        await app.hub.leave_queue(conversation, reason="queue_limit")
    await app.agent_takes(sender)
    with pytest.raises(Conflict):
        await app.hub.close(conversation, "agent2")
    await app.hub.close(conversation, "agent1", notice=Reply("再见。"))
    with pytest.raises(Conflict):
        await app.hub.give(conversation, "agent2", name="周敏", reason="taken")
    assert (await app.state(sender))["owner"] == "closed"


async def test_what_an_agent_put_aside_comes_back_with_the_customers_word(app: Running, sender: str) -> None:
    await app.say(sender, "转人工")
    await app.agent_takes(sender)
    conversation = await app.conversation_id(sender)
    await app.hub.hold(conversation, "agent1")
    found, _ = await app.hub.find("door", "", sender)
    assert found.held_at is not None
    await app.hub.resume(conversation, "agent1")
    await app.hub.hold(conversation, "agent1")
    await app.say(sender, "我找到单子了")
    found, _ = await app.hub.find("door", "", sender)
    assert (found.held_at, found.agent_id) == (None, "agent1")


async def test_an_assigner_picks_and_gives_in_one_transaction_beside_others(app: Running, sender: str) -> None:
    senders = [f"{sender}-{letter}" for letter in "ab"]
    for each in senders:
        await app.say(each, "转人工")

    async def assign(agent: str) -> str:
        async with app.hub.transaction() as work:
            row = await (await work.connection.execute(_PICK, (senders,))).fetchone()
            assert row is not None
            unit = await work.unit(row["id"])
            await give_to_agent(unit, agent, name=agent, reason="assigned", expect="queued")
            await asyncio.sleep(0.1)
            return unit.conversation.id

    assert len(set(await asyncio.gather(assign("agent1"), assign("agent2")))) == 2
    async with app.hub.engine.connect() as connection:
        agents = sa.select(conversations.c.agent_id).where(conversations.c.peer.in_(senders))
        assert sorted((await connection.execute(agents)).scalars()) == ["agent1", "agent2"]
