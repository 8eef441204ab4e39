"""What WeChat allows: five messages after the customer's, three after a click; refusals, storms, lost answers. Nothing vanishes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from channels.wechat.client import Action, Client, WeChatError
from chebao.conversations.api import Reply
from chebao.conversations.tables import messages
from tests.contract.wechat.conftest import StartWorld, World, eventually
from tests.fakes import wechat as fake_wechat

pytestmark = pytest.mark.asyncio


async def greeted(world: World, openid: str) -> str:
    """A conversation with its first exchange behind it and all five messages left."""
    await world.wechat.say(openid, "你好")
    await eventually(lambda: bool(world.wechat.phone(openid).texts()))
    return await world.conversation_id(openid)


async def announce(world: World, openid: str, *texts: str) -> None:
    conversation = await world.conversation_id(openid)
    for text in texts:
        await world.hub.announce(conversation, Reply(text), key=f"{openid}-{text}")


async def states(world: World, openid: str, *expected: tuple[str | None, str | None]) -> None:
    async def so() -> bool:
        return (await world.delivery(openid))[-len(expected) :] == list(expected)

    await eventually(so)


async def test_what_does_not_fit_waits_for_the_customers_next_message(world: World, openid: str) -> None:
    await greeted(world, openid)
    phone = world.wechat.phone(openid)
    for n in range(5):
        await announce(world, openid, f"通知{n}")
        await eventually(lambda n=n: any(f"通知{n}" in t for t in phone.texts()))  # type: ignore[misc]
    assert phone.windows["message"][1] == 0
    await announce(world, openid, "保单已出", "保单第二页")
    await states(world, openid, ("parked", "no_window"), ("parked", "no_window"))
    await world.wechat.say(openid, "好的")
    await eventually(lambda: "收到：好的" in "\n".join(phone.texts()))
    later = phone.texts()[6]
    assert [line for line in later.split("\n") if line] == ["保单已出", "保单第二页", "收到：好的"]
    await states(world, openid, ("sent", None), ("sent", None), ("sent", None))


async def test_many_bubbles_are_joined_to_fit(world: World, openid: str) -> None:
    world.rasa.script = lambda body: [{"text": f"第{n}段。" + "字" * 300} for n in range(8)]
    await world.wechat.say(openid, "讲讲")
    phone = world.wechat.phone(openid)
    await eventually(lambda: "第7段" in "\n".join(phone.texts()))
    assert len(phone.texts()) <= 5 and phone.windows["message"][1] >= 1
    assert max(len(t.encode()) for t in phone.texts()) <= 2048
    everything = "".join(phone.texts())
    assert [everything.count(f"第{n}段") for n in range(8)] == [1] * 8


async def test_a_long_message_is_not_begun_where_it_cannot_be_finished(world: World, openid: str) -> None:
    await greeted(world, openid)
    phone = world.wechat.phone(openid)
    for n in range(3):
        await announce(world, openid, f"通知{n}")
        await eventually(lambda n=n: any(f"通知{n}" in t for t in phone.texts()))  # type: ignore[misc]
    before = len(phone.texts())
    await announce(world, openid, "字" * 1700)
    await states(world, openid, ("parked", "no_window"))
    assert len(phone.texts()) == before and phone.windows["message"][1] == 2
    await world.wechat.say(openid, "好的")
    await states(world, openid, ("sent", None), ("sent", None))
    assert "".join(phone.texts()).count("字") == 1700


async def test_a_window_that_the_platform_closed_earlier_parks_at_once(world: World, openid: str) -> None:
    await greeted(world, openid)
    world.wechat.phone(openid).windows.clear()
    await announce(world, openid, "保单已出")
    await states(world, openid, ("parked", "wechat_45015"))
    calls = len(world.wechat.calls)
    await announce(world, openid, "又一条")
    await states(world, openid, ("parked", "no_window"))
    assert len(world.wechat.calls) == calls


@pytest.mark.parametrize("code", [45015, 45047])
async def test_a_platform_that_counts_otherwise_is_believed(world: World, openid: str, code: int) -> None:
    await greeted(world, openid)
    world.wechat.faults["message/custom/send"] = [code]
    await announce(world, openid, "保单已出")
    await states(world, openid, ("parked", f"wechat_{code}"))
    await announce(world, openid, "又一条")
    await states(world, openid, ("parked", f"wechat_{code}"), ("parked", "no_window"))
    await world.wechat.say(openid, "好的")
    await states(world, openid, ("sent", None), ("sent", None), ("sent", None))


async def test_the_window_of_a_click_closes_after_a_minute(world: World, openid: str) -> None:
    await world.wechat.event(openid, "CLICK", "click", EventKey="intent:renewal")
    await eventually(lambda: bool(world.wechat.phone(openid).texts()))
    async with world.hub.engine.begin() as connection:
        await connection.execute(update(messages).values(at=messages.c.at - timedelta(seconds=61)))
    calls = len(world.wechat.calls)
    await announce(world, openid, "太晚了")
    await states(world, openid, ("parked", "no_window"))
    assert len(world.wechat.calls) == calls


@pytest.mark.parametrize("code", [45009, 48001])
async def test_trouble_of_the_account_stops_all_calls_and_keeps_every_message(
    world: World, openid: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.wechat.sender._ACCOUNT_PAUSE", 1.0)
    other = f"{openid}b"
    await greeted(world, openid)
    await greeted(world, other)
    world.wechat.faults["message/custom/send"] = [code]
    await announce(world, openid, "一")
    await eventually(lambda: not world.wechat.faults["message/custom/send"])
    calls = len(world.wechat.calls)
    await announce(world, other, "二")
    await states(world, other, ("queued", None))
    assert len(world.wechat.calls) == calls
    await states(world, openid, ("sent", None))
    await states(world, other, ("sent", None))


async def test_a_notice_outside_the_window_goes_as_template_and_follows_in_full(start: StartWorld, openid: str) -> None:
    async with start(wechat_notice_template="tpl-1") as world:
        await greeted(world, openid)
        world.wechat.phone(openid).windows.clear()
        await announce(world, openid, "您的保单已出具（京A12345）。\n交强险保单号：P20260001")
        await eventually(lambda: "模板消息" in world.wechat.phone(openid).texts()[-1])
        assert "您的保单已出具（京A12345）。" in world.wechat.phone(openid).texts()[-1]
        await world.wechat.say(openid, "看看")
        await eventually(lambda: "P20260001" in "\n".join(world.wechat.phone(openid).texts()))


async def test_a_click_opens_three_messages_for_a_minute(world: World, openid: str) -> None:
    await world.wechat.event(openid, "CLICK", "click", EventKey="intent:renewal")
    phone = world.wechat.phone(openid)
    for n in range(4):
        await announce(world, openid, f"通知{n}")
        expected = ("sent", None) if n < 3 else ("parked", "no_window")
        await states(world, openid, expected)
    assert phone.windows["click"][1] == 0


async def test_a_lost_answer_is_unconfirmed_and_nothing_is_sent_twice(world: World, openid: str) -> None:
    await greeted(world, openid)
    world.wechat.lost = 1
    await announce(world, openid, "只说一次")
    await states(world, openid, ("unconfirmed", None))
    await announce(world, openid, "后面这条")
    await states(world, openid, ("unconfirmed", None), ("sent", None))
    assert "\n".join(world.wechat.phone(openid).texts()).count("只说一次") == 1


async def test_busy_and_per_minute_limits_are_waited_out(world: World, openid: str) -> None:
    await greeted(world, openid)
    world.wechat.faults["message/custom/send"] = [-1, 45011]
    await announce(world, openid, "晚一点")
    await states(world, openid, ("sent", None))
    assert world.wechat.phone(openid).windows["message"][1] == 4


async def test_too_long_for_the_platform_is_split_again(world: World, openid: str) -> None:
    await greeted(world, openid)
    world.wechat.faults["message/custom/send"] = [45002]
    await announce(world, openid, "一行\n" * 300)
    await states(world, openid, ("sent", None))
    assert "".join(world.wechat.phone(openid).texts()[1:]).replace("\n", "") == "一行" * 300


@pytest.mark.parametrize("code", [43004, 50005, 40003, 99999])
async def test_errors_for_good_are_shown_with_their_reason(world: World, openid: str, code: int) -> None:
    await greeted(world, openid)
    world.wechat.faults["message/custom/send"] = [code]
    await announce(world, openid, "到不了")
    await states(world, openid, ("failed", f"wechat_{code}"))


async def test_a_picture_is_uploaded_once_and_again_when_it_is_gone(
    world: World, openid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.contract.wechat.test_wechat_talk import photo  # the same small photo

    async def content(self: Any, picture: Any) -> bytes:
        return photo()

    monkeypatch.setattr("channels.wechat.sender.Sender._content", content)
    conversation = await greeted(world, openid)
    for n in range(3):
        if n == 2:
            world.wechat.media.clear()
        await world.hub.announce(conversation, Reply(image="/pictures/a.png"), key=f"{openid}-{n}")
        await eventually(lambda n=n: world.wechat.phone(openid).texts().count("[图片]") == n + 1)  # type: ignore[misc]
    assert [path for path, _ in world.wechat.calls].count("media/upload") == 2


async def test_a_storm_of_refused_tokens_costs_one_renewal(world: World, openid: str) -> None:
    await greeted(world, openid)
    await announce(world, openid, "一")
    await states(world, openid, ("sent", None))
    before = len(world.wechat.token_calls)
    world.wechat.api.revoke_token()
    await announce(world, openid, "二")
    await states(world, openid, ("sent", None), ("sent", None))
    assert len(world.wechat.token_calls) - before == 1


async def test_a_token_that_is_refused_for_ever_is_asked_for_twice_at_most(world: World, openid: str) -> None:
    client = Client(fake_wechat.APP_ID, fake_wechat.SECRET, world.api)
    world.wechat.faults["selfmenu"] = [40001] * 10
    with pytest.raises(WeChatError) as refused:
        await client.current_menu()
    assert refused.value.action is Action.RENEW
    assert [call["force_refresh"] for call in world.wechat.token_calls[-3:]] == [False, False, True]
    with pytest.raises(WeChatError):
        await client.current_menu()
    assert [call["force_refresh"] for call in world.wechat.token_calls].count(True) == 1
    await client.close()


def _no_answer(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


async def test_the_token_never_stands_in_an_error(world: World) -> None:
    client = Client(fake_wechat.APP_ID, fake_wechat.SECRET, world.api)
    token = await client.token()
    await client._http._transport.aclose()
    client._http._transport = httpx.MockTransport(_no_answer)
    with pytest.raises(Exception, match="ReadTimeout") as error:
        await client.current_menu()
    assert token not in repr(error.value) and error.value.__cause__ is None
    await client.close()
