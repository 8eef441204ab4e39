"""When no window is open: what the customer agreed to be told is told, once for each consent; the whole text follows. Nothing vanishes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from chebao.conversations.api import Consents, Reply
from chebao.conversations.types import Sender
from tests.contract.wechat.conftest import StartWorld, World, eventually
from tests.contract.wechat.test_wechat_allowance import greeted, states
from tests.fakes import wechat as fake_wechat

pytestmark = pytest.mark.asyncio

NEWS = "您的报案 CLM20260001 有新进展：定损已完成。\n定损金额 3200 元。"


async def said(world: World, openid: str, text: str, sender: Sender = "system") -> None:
    """Something that matters, while no window is open."""
    world.wechat.phone(openid).windows.clear()
    conversation = await world.conversation_id(openid)
    await world.hub.announce(conversation, Reply(text), key=f"{openid}-{text}", sender=sender)


def notices(world: World, openid: str) -> list[str]:
    return [m["text"] for m in world.wechat.phone(openid).seen if m.get("template")]


async def test_a_consent_is_used_up_by_one_notice_and_the_whole_text_follows(start: StartWorld, openid: str) -> None:
    async with start(wechat_subscription_templates=["sub-once"]) as world:
        await world.wechat.decide(openid, {"sub-once": "accept", "sub-lasting": "reject"})
        await greeted(world, openid)
        await said(world, openid, NEWS)
        await states(world, openid, ("parked", "notice_sent"))
        [notice] = notices(world, openid)
        assert notice.startswith("[订阅通知] 您的报案有新进展：定损已完成。；20") and "3200" not in notice
        await states(world, openid, ("parked", "notice_delivered"))
        await said(world, openid, "第二条通知")
        await states(world, openid, ("parked", "notice_delivered"), ("parked", "no_window"))
        assert notices(world, openid) == [notice]
        await world.wechat.say(openid, "看看")
        await states(world, openid, ("sent", None), ("sent", None), ("sent", None))
        everything = "\n".join(world.wechat.phone(openid).texts())
        assert everything.count("定损金额 3200 元") == everything.count("第二条通知") == 1


async def test_an_agents_answer_reaches_a_customer_who_went_away(start: StartWorld, openid: str) -> None:
    async with start(wechat_subscription_templates=["sub-lasting"]) as world:
        await world.wechat.decide(openid, {"sub-lasting": "acceptWithAlert"})
        await greeted(world, openid)
        for n in range(2):
            await said(world, openid, f"您好，材料第{n}次收齐了", "agent")
            await eventually(lambda n=n: len(notices(world, openid)) == n + 1)  # type: ignore[misc]
        assert notices(world, openid)[0].startswith(
            "[订阅通知] 客服回复：您好，材料第0次收齐了；发任意一条消息查看全文；"
        )


async def test_what_does_not_matter_uses_no_consent(start: StartWorld, openid: str) -> None:
    async with start(wechat_subscription_templates=["sub-once"]) as world:
        await world.wechat.decide(openid, {"sub-once": "accept"})
        world.rasa.delay = 3.8  # too late for the passive reply
        await world.wechat.say(openid, "你好")
        world.wechat.phone(openid).windows.clear()
        await states(world, openid, ("parked", "wechat_45015"))
        assert notices(world, openid) == []
        assert world.wechat.phone(openid).consents["sub-once"] == 1


async def test_a_consent_that_is_told_of_often_counts_once(start: StartWorld, openid: str) -> None:
    created = int(time.time())
    for _ in range(2):  # also after a restart
        async with start(wechat_subscription_templates=["sub-once"]) as world:
            await world.wechat.decide(openid, {"sub-once": "accept"}, created=created, copies=3)
            await greeted(world, openid)
    async with start(wechat_subscription_templates=["sub-once"]) as world:
        world.wechat.phone(openid).consents["sub-once"] = 9
        await said(world, openid, "通知0")
        await states(world, openid, ("parked", "notice_delivered"))
        await said(world, openid, "通知1")
        await states(world, openid, ("parked", "notice_delivered"), ("parked", "no_window"))
        assert len(notices(world, openid)) == 1


async def test_who_wants_no_more_is_told_no_more(start: StartWorld, openid: str) -> None:
    async with start(wechat_subscription_templates=["sub-lasting"]) as world:
        await world.wechat.decide(openid, {"sub-lasting": "accept"})
        await greeted(world, openid)
        await world.wechat.refuse(openid, "sub-lasting")
        await said(world, openid, NEWS)
        await states(world, openid, ("parked", "wechat_45015"))
        assert "message/subscribe/bizsend" not in [path for path, _ in world.wechat.calls]


async def test_a_consent_that_wechat_does_not_know_of_gives_way_to_the_template_message(
    start: StartWorld, openid: str
) -> None:
    async with start(wechat_subscription_templates=["sub-lasting"], wechat_notice_template="tpl-1") as world:
        await world.wechat.decide(openid, {"sub-lasting": "accept"})
        await greeted(world, openid)
        world.wechat.phone(openid).consents.clear()
        for text in (NEWS, "第二条通知"):
            await said(world, openid, text)
            await states(world, openid, ("parked", "notice_delivered"))
        first, second = notices(world, openid)
        assert first.startswith("[模板消息] 您的报案有新进展：定损已完成。；CLM20260001；2026年")
        assert second.startswith("[模板消息] 第二条通知；-；")
        assert [path for path, _ in world.wechat.calls].count("message/subscribe/bizsend") == 1


async def test_a_busy_platform_is_asked_again_with_the_same_consent(
    start: StartWorld, openid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.wechat.notices._AGAIN", timedelta(0))
    async with start(wechat_subscription_templates=["sub-once"]) as world:
        await world.wechat.decide(openid, {"sub-once": "accept"})
        await greeted(world, openid)
        world.wechat.faults["message/subscribe/bizsend"] = [-1]
        await said(world, openid, NEWS)
        await states(world, openid, ("parked", "notice_delivered"))
        assert len(notices(world, openid)) == 1


async def test_a_notice_that_may_have_arrived_is_not_sent_again(start: StartWorld, openid: str) -> None:
    async with start(wechat_notice_template="tpl-1") as world:
        await greeted(world, openid)
        world.wechat.lost = 1
        await said(world, openid, NEWS)
        await states(world, openid, ("parked", "notice_unconfirmed"))
        await world.wechat.say(openid, "看看")
        await eventually(lambda: "定损金额 3200 元" in "\n".join(world.wechat.phone(openid).texts()))
        assert len(notices(world, openid)) == 1


async def test_templates_that_cannot_be_filled_leave_the_message_waiting(start: StartWorld, openid: str) -> None:
    async with start(wechat_subscription_templates=["sub-once", "unknown"]) as world:
        world.wechat.templates[0]["content"] = "金额:{{amount1.DATA}}\n"
        await world.wechat.decide(openid, {"sub-once": "accept", "unknown": "accept"})
        await greeted(world, openid)
        await said(world, openid, NEWS)
        await states(world, openid, ("parked", "wechat_45015"))
        assert notices(world, openid) == []


async def test_the_operators_mapping_fills_a_template_of_other_names(start: StartWorld, openid: str) -> None:
    setting = "tpl-2:const1=text:车险理赔,thing2=subject,phrase3=status,date4=time"
    async with start(wechat_notice_template=setting) as world:
        await greeted(world, openid)
        await said(world, openid, "定损已完成，" * 9)
        await states(world, openid, ("parked", "notice_delivered"))
        [notice] = notices(world, openid)
        assert notice.startswith("[模板消息] 车险理赔；定损已完成，定损已完成，定损已完成，定…；请查看；20")


async def test_a_template_that_was_changed_is_read_anew(start: StartWorld, openid: str) -> None:
    async with start(wechat_notice_template="tpl-1") as world:
        await greeted(world, openid)
        await said(world, openid, NEWS)
        await states(world, openid, ("parked", "notice_delivered"))
        world.wechat.message_templates[0]["content"] = "事项:{{thing7.DATA}}\n"
        await said(world, openid, "第二条通知")
        await states(world, openid, ("parked", "notice_delivered"), ("parked", "no_window"))
        await said(world, openid, "第三条通知")
        await eventually(lambda: len(notices(world, openid)) == 2)
        assert notices(world, openid)[1] == "[模板消息] 第三条通知"


async def test_consents_stand_by_address_and_template(world: World, openid: str) -> None:
    await greeted(world, openid)
    conversation, _ = await world.hub.find("wechat", fake_wechat.ACCOUNT, openid)
    consents, at = Consents(world.hub.engine, "wechat"), datetime.now(UTC)
    await consents.give(fake_wechat.ACCOUNT, openid, "a", "k1", at)
    await consents.give(fake_wechat.ACCOUNT, openid, "a", "k2", at)
    assert not await consents.take(conversation, "b", 1, lasting=False)
    assert [await consents.take(conversation, "a", n, lasting=False) for n in (1, 2, 3)] == [True, True, False]
    assert await consents.take(conversation, "a", 2, lasting=False), "the same message may use its own again"
    await consents.give_back(conversation, "a", 1)
    assert await consents.take(conversation, "a", 3, lasting=False)
