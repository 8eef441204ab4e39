"""What customers say about an accident, and what is made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.claim import ReportClaimForm
from actions.claim_answers import (
    other_party,
    parse_driver,
    parse_moment_answer,
    parse_place,
    reporter_name,
    take_moment,
    take_own_phone,
    take_own_plate,
    take_place,
    take_police,
)
from actions.claim_story import injury_in, take_damage, take_drivable, type_in
from actions.nodes import Miss
from actions.turn import Turn
from tests.unit.actions.conversation import NOW, Conversation

_BLANK = Turn.of(
    CollectingDispatcher(),
    Tracker("c1", {}, {"text": "", "metadata": {"received_at": NOW}}, [], False, None, {}, "action_listen"),
)


def turn(text: str, **more: Any) -> Turn:
    return replace(_BLANK, text=text, **more)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("没有人受伤", "no"),
        ("人都没事，就是车坏了", "no"),
        ("人没大事，就是脖子有点疼", "yes"),
        ("我没受伤，但是对方司机骨折了", "yes"),
        ("他腿擦破皮了", "yes"),
        ("已经送医院了", "yes"),
        ("我撞死了一条狗", None),
        ("车头伤了一大块", None),
        ("我的车受伤了", None),
        ("手机摔坏了", None),
        ("有人受伤这个写错了，没人受伤", "no"),
        ("刚才说错了，有人受伤", "yes"),
        ("如果有人受伤怎么赔", None),
        ("追尾了", None),
        ("前面的司机好像撞到头了", "yes"),
        ("前车司机头破了", "yes"),
        ("他躺地上呢", "yes"),
        ("她说胳膊抬不起来", "yes"),
        ("就我一个人，脖子有点酸", "yes"),
        ("没人受伤，都好好的", "no"),
        ("骑手没事我也没事", "no"),
        ("人好像没事，我吓死了", "no"),
        ("车停得好好的被撞了", None),
        ("路牌倒在路上", None),
        ("车头破了", None),
    ],
)
def test_injury(said: str, value: str | None) -> None:
    assert injury_in(said) == value


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("一条狗窜出来撞上了", "animal"),
        ("开车把路边的灯杆撞了", "single_vehicle"),
        ("跟一辆公交车刮了", "sideswipe"),
        ("停车被隔壁车开门磕了一下", "parked_hit"),
        ("前面急刹我没刹住", "rear_end"),
        ("有人受伤", None),
        ("轮毂磕马路牙子上了", "single_vehicle"),
        ("车窗被砸了，包让人偷走了", "glass"),
        ("冰雹把车窗砸碎了", "falling_object"),
        ("停楼下的五菱今儿早上起来没影了", "theft"),
        ("停车场里后视镜没了", None),
        ("我右转把一个骑车的阿姨带倒了", "pedestrian"),
        ("变道跟人蹭了", "sideswipe"),
        ("过涵洞熄火了", "flood"),
        ("超市出来看见门上让购物车磕了个坑", "parked_hit"),
        ("刚提的车就被旁边车开门给怼了", "parked_hit"),
        ("倒车把人家车门碰瘪了", "collision"),
    ],
)
def test_kind_of_accident_told_by_the_whole_sentence(said: str, code: str | None) -> None:
    assert type_in(said) == code


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("昨天晚上八点多", "2026-11-21T20:00"),
        ("半小时前", "2026-11-22T11:30"),
        ("刚刚", "2026-11-22T12:00"),
        ("昨晚十点撞的，今天才报案", "2026-11-21T22:00"),
        ("昨天下午五六点撞的", "2026-11-21T17:00"),
    ],
)
def test_moment_is_taken_from_a_story(said: str, at: str) -> None:
    value = take_moment(turn(said), {})
    assert value is not None
    assert value["at"].startswith(at)


def test_a_day_alone_is_asked_for_its_hour_once() -> None:
    draft: dict[str, Any] = {}
    assert take_moment(turn("前天撞的"), draft) is None
    assert parse_moment_answer(turn("晚上八点"), draft)["at"].startswith("2026-11-20T20:00")
    assert parse_moment_answer(turn("记不清了"), draft) == {"at": "2026-11-20T00:00:00+08:00", "precision": "day"}


def test_the_day_told_twice_is_taken() -> None:
    draft: dict[str, Any] = {}
    assert isinstance(parse_moment_answer(turn("前天"), draft), Miss)
    assert parse_moment_answer(turn("就是前天"), draft)["precision"] == "day"


def test_time_to_come_is_refused() -> None:
    answer = parse_moment_answer(turn("明天下午三点"), {})
    assert isinstance(answer, Miss)
    assert "还没到" in answer.why


@pytest.mark.parametrize("said", ["刚提的车被人开门碰了", "我老公刚打电话说他撞车了", "前几天撞的，现在还能报吗"])
def test_a_story_without_its_time_is_not_of_just_now(said: str) -> None:
    assert take_moment(turn(said), {}) is None


def test_after_midnight_today_is_the_day_just_gone() -> None:
    night = _BLANK.now.replace(hour=1)
    assert parse_moment_answer(turn("今天早上八点", now=night), {})["at"].startswith("2026-11-21T08:00")
    assert parse_moment_answer(turn("半小时前", now=night), {})["at"].startswith("2026-11-22T00:30")


def test_a_part_of_the_day_is_asked_for_its_hour_and_called_by_its_name() -> None:
    draft: dict[str, Any] = {}
    asked = parse_moment_answer(turn("上周四下午"), draft)
    assert isinstance(asked, Miss) and "11月12日下午" in asked.why
    assert isinstance(parse_moment_answer(turn("晌午那会儿"), {}), Miss)


def test_who_does_not_know_the_time_is_not_held_up() -> None:
    draft: dict[str, Any] = {}
    assert isinstance(parse_moment_answer(turn("不知道", message_id="m1"), draft), Miss)
    assert parse_moment_answer(turn("真不知道", message_id="m2"), draft)["precision"] == "day"


def test_a_time_to_come_said_again_is_taken_for_the_day() -> None:
    draft: dict[str, Any] = {}
    assert isinstance(parse_moment_answer(turn("今天下午五点"), draft), Miss)
    assert parse_moment_answer(turn("今天下午五点"), draft) == {"at": "2026-11-22T00:00:00+08:00", "precision": "day"}
    assert isinstance(parse_moment_answer(turn("明天下午五点"), draft), Miss)


def test_a_rough_place_is_made_exact() -> None:
    draft: dict[str, Any] = {}
    assert take_place(turn("在南二环追尾了"), draft) is None
    assert parse_place(turn("开阳桥东边"), draft) == "南二环 开阳桥东边"
    assert parse_place(turn("北京市丰台区开阳桥"), draft) == "北京市丰台区开阳桥"


def test_an_address_runs_to_where_the_story_goes_on() -> None:
    assert take_place(turn("在北京市朝阳区朝阳北路青年路口追尾了前车"), {}) == "北京市朝阳区朝阳北路青年路口"


@pytest.mark.parametrize("said", ["嗯", "好的", "asdf", "😂", "13800000001", "8:30"])
def test_what_is_no_place(said: str) -> None:
    assert parse_place(turn(said), {}) is None


def test_a_place_that_is_everywhere_is_asked_for_once() -> None:
    draft: dict[str, Any] = {}
    assert isinstance(parse_place(turn("小区", message_id="m1"), draft), Miss)
    assert parse_place(turn("小区", message_id="m2"), draft) == "小区"
    assert isinstance(parse_place(turn("地下车库", message_id="m1"), {}), Miss)


def test_a_place_told_again_with_more_is_not_doubled() -> None:
    told = "上海内环高架延安西路出口附近"
    assert parse_place(turn(told), {"place_hint": "内环高架上"}) == told


def test_what_was_hit_is_no_place() -> None:
    assert take_place(turn("轮毂磕马路牙子上了，胎鼓包了"), {}) is None


def test_position_is_a_place() -> None:
    assert parse_place(turn("", location={"latitude": 1, "longitude": 2, "label": None}), {}) == "1,2"


def test_the_other_party_is_not_taken_for_the_customer() -> None:
    said = "对方车牌沪B12345，他电话13811112222"
    assert take_own_plate(turn(said), {}) is None
    assert take_own_phone(turn(said), {}) is None
    assert other_party({"other_parties": said}) == {"other_plate": "沪B12345", "other_phone": "13811112222"}
    assert take_own_plate(turn("我的车京A12345追尾了"), {}) == "京A12345"
    assert take_own_plate(turn("渣土车蹭了我直接跑，我记下车牌了粤B55D12"), {}) is None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("报过警了", "yes"),
        ("还没报警", "no"),
        ("要报警吗", None),
        ("这个不用报警吧", "no"),
        ("算了，不报了", None),
        ("没报警，要报吗", "no"),
        ("一直没报案", None),
    ],
)
def test_police(said: str, value: str | None) -> None:
    assert take_police(turn(said), {}) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("还能开", "yes"),
        ("打不着火开不了", "no"),
        ("开始下雨", None),
        ("他腿动不了", None),
        ("左前叶子板，不影响开", "yes"),
        ("没敢打火", "no"),
    ],
)
def test_drivable(said: str, value: str | None) -> None:
    assert take_drivable(turn(said), {}) == value


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("右转被电动车撞了右前门", "右前门"),
        ("前保险杠和左大灯坏了", "前保险杠和左大灯坏了"),
        ("石子把挡风玻璃打裂了", "挡风玻璃打裂了"),
        ("后面的车撞了我后保险杠", "后保险杠"),
        ("把人家车门碰瘪了", None),
        ("追尾了前面的帕萨特，他后备箱凹了", None),
        ("撞到车库门柱子", None),
    ],
)
def test_damage_is_taken_from_a_story(said: str, value: str | None) -> None:
    assert take_damage(turn(said), {}) == value


def test_the_driver_is_a_person_and_a_phone_number_beside_him_does_no_harm() -> None:
    draft: dict[str, Any] = {}
    assert parse_driver(turn("王建国 电话13800000001"), {}) == "王建国"
    assert parse_driver(turn("13800000001"), {}) is None
    assert parse_driver(turn("停着的时候被购物车撞的", message_id="m1"), draft) is None
    assert parse_driver(turn("停着的时候被购物车撞的", message_id="m2"), draft) is not None


def test_name_of_the_reporter() -> None:
    assert reporter_name({"driver": "我爱人开的，叫孙丽"}) == "孙丽"


def test_injury_tells_what_to_do_and_calls_a_person_while_the_report_goes_on() -> None:
    talk = Conversation(ReportClaimForm())
    talk.say("追尾了，要报案", "report_claim")
    said = talk.say("有", "affirm")
    assert "120" in said
    assert said.endswith("您同意吗？")
    assert talk.effects[0]["handoff"]["keep_bot"] is True
    assert talk.effects[0]["handoff"]["priority"] == 9
    talk.say("同意")
    assert not talk.effects


def test_an_injury_noticed_late_is_no_answer_to_a_question_about_the_car() -> None:
    talk = Conversation(ReportClaimForm())
    talk.say("刚刚在北京市海淀区中关村大街跟出租车碰了，没人受伤", "report_claim")
    for words in ("同意", "没报警", "京A12345", "两辆"):
        talk.say(words)
    assert talk.asked == "damage"
    said = talk.say("等下，后座孩子说头晕恶心")
    assert "120" in said and "damage" not in talk.draft
    talk.say("同意记录")
    assert talk.asked == "damage"


def test_who_gives_up_is_let_go_whatever_was_asked() -> None:
    talk = Conversation(ReportClaimForm())
    talk.say("车被蹭了，没人受伤", "report_claim")
    talk.say("同意")
    assert talk.asked == "police_reported"
    assert "没有提交" in talk.say("算了，对方赔我三百私了了，不报了")


def test_who_is_called_away_finds_the_question_when_he_is_back() -> None:
    talk = Conversation(ReportClaimForm())
    talk.say("追尾了，没人受伤", "report_claim")
    for words in ("同意", "没报警", "京A12345"):
        talk.say(words)
    said = talk.say("先等一下，交警叫我")
    assert "先忙" in said and said.endswith("什么时间发生的？") and not talk.slots.get("misses")


def test_nobody_at_a_crash_is_told_of_small_talk() -> None:
    talk = Conversation(ReportClaimForm())
    talk.say("追尾了，没人受伤", "report_claim")
    for words in ("同意", "没报警", "京A12345"):
        talk.say(words)
    said = talk.say("好几天了吧", "chitchat")
    assert said.endswith("什么时间发生的？") and not any(r.get("response") for r in talk.replies)


def test_a_story_that_names_no_kind_ends_the_question_the_second_time() -> None:
    talk = Conversation(ReportClaimForm())
    talk.say("我要报案，没人受伤", "report_claim")
    talk.say("同意")
    talk.say("说不清楚")
    assert talk.asked == "accident_type"
    talk.say("就那么回事")
    assert talk.draft["accident_type"] == "collision"


def test_no_other_party_makes_it_an_accident_of_ones_own() -> None:
    talk = Conversation(ReportClaimForm())
    talk.say("昨晚八点在北京市海淀区中关村大街把车撞了，没人受伤", "report_claim")
    for words in ("同意", "没报警", "京A12345"):
        talk.say(words)
    assert talk.asked == "other_parties"
    talk.say("没有别人，我自己撞的墙")
    assert talk.draft["accident_type"] == "single_vehicle"


def test_danger_is_told_before_the_first_question() -> None:
    said = Conversation(ReportClaimForm()).say("充电的时候车着火了", "report_claim")
    assert "119" in said
    assert said.endswith("现场有人受伤吗？")


def test_without_consent_nothing_is_kept() -> None:
    talk = Conversation(ReportClaimForm())
    talk.say("追尾了，没人受伤", "report_claim")
    assert "不会保存" in talk.say("我不同意")
    assert (talk.loop, talk.slots["report_claim_draft"]) == (None, None)


def test_photos_are_kept_whenever_they_come() -> None:
    talk = Conversation(ReportClaimForm())
    talk.say("追尾了，没人受伤", "report_claim")
    talk.say("同意")
    said = talk.say("", attachments=[{"id": "p1"}, {"id": "p2"}])
    assert "共 2 张" in said
    assert said.endswith("报警了吗？")
    assert talk.draft["photo_ids"] == ["p1", "p2"]


_VEHICLE = {"kind": "vehicle_licence", "plate": "京A12345", "owner": "王建国", "registered_on": "2021-05-18"}
_DRIVING = {"kind": "driving_licence", "name": "李敏", "classes": "C1", "valid_until": "2031-03-02"}


def at_the_photos(*said: str) -> Conversation:
    """A claim of which everything but photos and phone is known."""
    talk = Conversation(ReportClaimForm())
    talk.say("昨晚八点在北京市海淀区中关村大街撞到护栏了，没人受伤", "report_claim")
    for words in ("同意", "没报警", "京A12345", "没有对方", "前保险杠", "还能开", "我自己开的，我姓王"):
        if talk.asked == "photos":
            break
        talk.say(words)
    assert talk.asked == "photos", talk.asked
    return talk


def test_licences_tick_themselves_off_the_list_and_are_read_back() -> None:
    talk = at_the_photos()
    said = talk.say("", attachments=[{"id": "d", "facts": _DRIVING}])
    assert "姓名：李*" in said and "准驾车型：C1" in said and "有效期至：2031-03-02" in said
    assert "行驶证" in said.split("还差")[1] and "驾驶证" not in said.split("还差")[1]
    said = talk.say("", attachments=[{"id": "v", "facts": _VEHICLE}])
    assert "车牌：京A12345" in said and "所有人：王*" in said
    assert "行驶证" not in said.split("还差")[1].split("发完")[0]
    assert {"vehicle_licence": "v", "driving_licence": "d"}.items() <= talk.draft["shots"].items()


def test_an_expired_driving_licence_is_noticed() -> None:
    said = at_the_photos().say("", attachments=[{"id": "d", "facts": _DRIVING | {"valid_until": "2025-03-02"}}])
    assert "已经过期" in said
