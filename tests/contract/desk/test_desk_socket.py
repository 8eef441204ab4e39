"""The live line: nothing skipped, nothing doubled, nothing of others; drafts and reads kept; who else is there."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect

from chebao.conversations.api import Incoming, Reply
from chebao.desk import state
from tests.contract.desk.office import until
from tests.contract.desk.site import Person, Site

pytestmark = pytest.mark.asyncio


async def test_a_page_resumes_after_its_last_event_without_gaps_and_has_the_fresh_state(site: Site) -> None:
    lead = await site.person(role="supervisor")
    before = await lead.get("/state")
    conversations = []
    async with lead.line(after=before["event_id"]) as line:
        conversations.append(await site.office.waiting("claims"))
        first = await line.frame("event", kind="conversation", key=conversations[0])
    for skill in ("claims", "renewal", "general"):
        conversations.append(await site.office.waiting(skill))
    await lead.does(f"/conversations/{conversations[1]}/takeover")
    events = [*line.passed, first]
    async with lead.line(after=first["id"]) as again:
        while (
            not {e["key"] for e in events} >= set(conversations)
            or events[-1]["id"] < (await lead.get("/state"))["event_id"]
        ):
            events.append(await again.frame("event"))
    known = {kind: before[kind] for kind in state.KINDS}
    for event in (e for e in events if e["type"] == "event"):
        if event["body"] is None:
            known[event["kind"]].pop(event["key"], None)
        else:
            known[event["kind"]][event["key"]] = event["body"]
    after = await lead.get("/state")
    assert known == {kind: after[kind] for kind in state.KINDS}
    ids = [e["id"] for e in events if e["type"] == "event"]
    assert ids == sorted(set(ids))


async def test_a_page_that_knows_another_database_is_told_to_begin_anew(site: Site) -> None:
    agent = await site.person("general")
    async with agent.line(hello=False) as line:
        await line.send("hello", after=10**15)
        assert await line.closed() == 4409 and line.passed[-1] == {"type": "resync"}


async def test_messages_come_by_number_after_the_last_known_and_once(site: Site) -> None:
    agent = await site.person("general")
    conversation = await site.served_by(agent)
    last = (await agent.get(f"/conversations/{conversation}/messages"))["rows"][-1]["seq"]
    async with agent.line() as line:
        await line.send("open", conversation=conversation, after=last)
        await site.office.writes(conversation, "在吗")
        assert (await line.frame("message"))["text"] == "在吗"
        said = await agent.does(f"/conversations/{conversation}/messages", {"key": "k1", "text": "在的"})
        mine = await line.frame("message")
        assert (mine["seq"], mine["from"], mine["agent"]["id"]) == (said["seq"], "agent", agent.id)
        assert await agent.does(f"/conversations/{conversation}/messages", {"key": "k1", "text": "在的"}) == said
        await line.silent("message")
    await site.office.writes(conversation, "等等")
    async with agent.line() as line:
        await line.send("open", conversation=conversation, after=said["seq"])
        assert (await line.frame("message"))["text"] == "等等"
        await line.silent("message")


async def test_new_words_of_a_message_come_again_under_its_number_and_stand_in_the_list(site: Site) -> None:
    agent = await site.person("general")
    first = await site.office.hub.accept(Incoming("wechat", "test", "edits", None, "您好"))
    conversation = first.conversation_id
    await site.office.hand_off(conversation)
    await site.office.handling.takeover(await site.office.known(agent.id), conversation)
    accepted = await site.office.hub.accept(Incoming("wechat", "test", "edits", None, "车牌京A12345", ref="7"))
    async with agent.line() as line:
        await line.send("open", conversation=conversation, after=0)
        assert (await line.frame("message", seq=accepted.seq))["edited"] == []
        for words in ("车牌京A12346", "车牌京A12347"):
            assert await site.office.hub.edit("wechat", "test", "edits", "7", words)
            again = await line.frame("message", seq=accepted.seq)
            assert again["text"] == words
        assert [edit["text"] for edit in again["edited"]] == ["车牌京A12345", "车牌京A12346"]
        await line.silent("message")
    (told,) = await site.office.rows(
        "SELECT body FROM desk.events WHERE kind = 'conversation' AND key = %s ORDER BY id DESC LIMIT 1", conversation
    )
    assert told["body"]["last"]["text"] == "车牌京A12347"


async def test_the_customers_typing_is_seen_until_he_has_sent_it_or_given_it_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chebao.desk.together.TYPING_LASTS", 0.3)
    agent = await site.person("general")
    session = (await agent.http.post(f"{site.base}/api/web/sessions", json={})).json()
    conversation = session["conversation"]

    async with connect(site.base.replace("http", "ws") + "/api/web/socket") as page, agent.line() as line:

        async def does(**frame: object) -> None:
            await page.send(json.dumps(frame))

        await does(type="hello", token=session["token"], after=0)
        await does(type="message", id="m1", text="您好")
        await until_said(site, conversation)
        await site.office.hand_off(conversation)
        await site.office.handling.takeover(await site.office.known(agent.id), conversation)
        await line.send("open", conversation=conversation, after=0)
        assert (await line.frame("presence"))["customer_typing"] is False
        await does(type="typing")
        assert (await line.frame("presence"))["customer_typing"] is True
        assert (await line.frame("presence"))["customer_typing"] is False  # he gave it up
        await does(type="typing")
        assert (await line.frame("presence"))["customer_typing"] is True
        await does(type="message", id="m2", text="还在吗")
        assert (await line.frame("presence"))["customer_typing"] is False
        assert (await line.frame("message", text="还在吗"))["from"] == "customer"


async def until_said(site: Site, conversation: str) -> None:
    async def said() -> bool:
        return bool(await site.office.rows("SELECT 1 FROM hub.messages WHERE conversation_id = %s", conversation))

    await until(said)


async def test_a_message_whose_delivery_changes_comes_again_under_its_number(site: Site) -> None:
    agent = await site.person("general")
    conversation = await site.served_by(agent)
    async with agent.line() as line:
        await line.send("open", conversation=conversation, after=0)
        said = await agent.does(f"/conversations/{conversation}/messages", {"key": "k1", "text": "好的"})
        await line.frame("message", seq=said["seq"])
        values = {"queued": None, "sent": None, "failed": "wechat_45047"}
        for delivery, reason in values.items():
            await site.office.rows(
                "UPDATE hub.messages SET delivery = %s, delivery_reason = %s WHERE conversation_id = %s AND seq = %s",
                delivery, reason, conversation, said["seq"],
            )  # fmt: skip
            if delivery == "queued":  # a push channel has it so from the start
                await line.send("open", conversation=conversation, after=said["seq"])
            site.office.hub.signals.wake(conversation)
            again = await line.frame("message", seq=said["seq"])
            assert again["delivery"]["state"] == delivery
        assert again["delivery"]["reason"] == "这个窗口的条数已用完，要等客户下次发消息"


async def test_a_colleagues_conversation_stays_closed_and_one_passed_on_is_shut(site: Site) -> None:
    agent, other = await site.person("general"), await site.person("claims")
    conversation = await site.served_by(agent)
    async with other.line() as line:
        await line.send("open", conversation=conversation, after=0)
        await line.frame("shut", conversation=conversation)
        assert not [f for f in line.passed if f["type"] == "message"]
    async with agent.line() as line:
        await line.send("open", conversation=conversation, after=0)
        await line.frame("message")
        await agent.does(f"/conversations/{conversation}/transfer", {"agent_id": other.id, "memo": "理赔问题"})
        await site.office.rows("UPDATE desk.episodes SET agent_id = NULL WHERE conversation_id = %s", conversation)
        await site.office.writes(conversation, "密码是 123")
        await line.frame("shut", conversation=conversation)
        assert "密码是 123" not in [f.get("text") for f in line.passed]
    assert await agent.refused("GET", f"/conversations/{conversation}/messages") == (403, "forbidden")


async def test_events_of_others_work_are_not_told(site: Site) -> None:
    agent, other = await site.person("general"), await site.person("claims")
    async with other.line() as line:
        conversation = await site.served_by(agent)
        await site.office.writes(conversation, "我的身份证号是")
        event = await line.frame("event", kind="conversation", key=conversation)
        assert event["body"] is None
        passed = [f for f in line.passed if f["type"] == "event" and f["key"] == conversation]
        assert not any(f["body"] for f in passed)


async def test_colleagues_see_who_looks_and_who_writes(site: Site) -> None:
    agent, lead = await site.person("general"), await site.person(role="supervisor")
    conversation = await site.served_by(agent)

    async def sees(person: Person) -> None:
        await line.frame("presence", conversation=conversation, looking=[person.id], typing=[person.id])

    async with agent.line() as line:
        await line.send("open", conversation=conversation, after=0)
        async with lead.line() as his:
            await his.send("looking", conversation=conversation)
            await his.send("typing", conversation=conversation)
            await sees(lead)
            assert (await agent.get(f"/conversations/{conversation}"))["presence"]["looking"] == [lead.id]
        await line.frame("presence", conversation=conversation, looking=[], typing=[])


async def test_drafts_and_reads_are_kept_for_their_agent_only(site: Site) -> None:
    agent, lead = await site.person("general"), await site.person(role="supervisor")
    conversation = await site.served_by(agent)
    async with agent.line() as line:
        await line.send("draft", conversation=conversation, text="还没写完")
        await line.send("read", conversation=conversation, seq=3)
        await line.send("read", conversation=conversation, seq=2)
        await line.send("ping")
        await line.frame("pong")
    assert (await agent.get(f"/conversations/{conversation}"))["draft"] == "还没写完"
    assert (await agent.get("/state"))["reads"] == {conversation: 3}
    assert (await lead.get(f"/conversations/{conversation}"))["draft"] is None
    async with agent.line() as line:
        await line.send("draft", conversation=conversation, text="")
        await line.send("ping")
        await line.frame("pong")
    assert (await agent.get(f"/conversations/{conversation}"))["draft"] is None


async def test_who_loses_a_skill_begins_anew_with_what_he_may_see(site: Site) -> None:
    agent, lead = await site.person("general", "claims"), await site.person(role="supervisor")
    conversation = await site.office.waiting("claims")
    assert conversation in (await agent.get("/state"))["conversation"]
    async with agent.line() as line:
        await lead.does(f"/agents/{agent.id}", {"skills": ["general"]}, method="PUT")
        assert await line.closed() == 4409
    assert conversation not in (await agent.get("/state"))["conversation"]


@pytest.mark.parametrize(
    "frame", ["no json", "[]", '{"type": "dance"}', '{"type": "draft"}', '{"type": "open", "after": -1}']
)
async def test_frames_that_are_none_end_the_line(site: Site, frame: str) -> None:
    agent = await site.person("general")
    async with agent.line() as line:
        await line.socket.send(frame)
        assert await line.closed() == 4400


async def test_a_burst_reaches_many_pages_in_order(site: Site) -> None:
    lead = await site.person(role="supervisor")
    conversation = await site.office.waiting("general")

    async def follow() -> list[int]:
        async with lead.line() as line:
            ready.release()
            ids = []
            while True:
                event = await line.frame("event", kind="conversation", key=conversation)
                ids.append(event["id"])
                if event["body"]["last"]["text"] == "第20条":
                    return ids

    ready = asyncio.Semaphore(0)
    pages = [asyncio.create_task(follow()) for _ in range(8)]
    for _ in pages:
        await ready.acquire()
    for n in range(1, 21):
        await site.office.hub.announce(conversation, Reply(f"第{n}条"), key=f"{conversation}-{n}", sender="bot")
    seen = await asyncio.gather(*pages)
    assert all(ids == sorted(set(ids)) for ids in seen) and len({tuple(ids) for ids in seen}) == 1
