"""What customers say about an accident, and what is made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.claim import ReportClaimForm
from actions.claim_answers import (
    injury_in,
    other_party,
    parse_moment_answer,
    parse_place,
    reporter_name,
    take_drivable,
    take_moment,
    take_own_phone,
    take_own_plate,
    take_place,
    take_police,
    type_in,
)
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


def test_position_is_a_place() -> None:
    assert parse_place(turn("", location={"latitude": 1, "longitude": 2, "label": None}), {}) == "1,2"


def test_the_other_party_is_not_taken_for_the_customer() -> None:
    said = "对方车牌沪B12345，他电话13811112222"
    assert take_own_plate(turn(said), {}) is None
    assert take_own_phone(turn(said), {}) is None
    assert other_party({"other_parties": said}) == {"other_plate": "沪B12345", "other_phone": "13811112222"}
    assert take_own_plate(turn("我的车京A12345追尾了"), {}) == "京A12345"


@pytest.mark.parametrize(("said", "value"), [("报过警了", "yes"), ("还没报警", "no"), ("要报警吗", None)])
def test_police(said: str, value: str | None) -> None:
    assert take_police(turn(said), {}) == value


@pytest.mark.parametrize(("said", "value"), [("还能开", "yes"), ("打不着火开不了", "no"), ("开始下雨", None)])
def test_drivable(said: str, value: str | None) -> None:
    assert take_drivable(turn(said), {}) == value


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
