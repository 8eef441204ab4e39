"""What customers say before it is asked for, or instead of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from actions import car_facts
from actions.cover_words import find_wish
from actions.fields import told_plate
from actions.handoff import needed
from actions.new_policy import NewPolicyForm
from actions.nodes import Field
from actions.plans_talk import answer_about_plans, early_wish, take_up_wish
from actions.quoting import disclosure_field, parse_disclosure, parse_start
from actions.talk import task_told
from actions.wording import asks_to_wait, asks_why, wants_call_back
from tests.unit.actions.turns import turn

PLANS: list[dict[str, Any]] = [
    {"code": code, "name": name, "total": "3000", "note": "", "covers": {"third_party": "2000000"}, "explanation": []}
    for code, name in (("basic", "基础方案"), ("standard", "标准方案"), ("last_year", "去年的方案"))
]


def _field(name: str) -> Field:
    found = NewPolicyForm().field(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("said", "plan"),
    [
        ("续保，三者想提到300万", {"third_party": 3_000_000}),
        ("就买个交强险，别的都不要", {}),
        ("只买交强险多少钱", {}),
    ],
)
def test_covers_wished_before_there_is_a_price(said: str, plan: dict[str, Any]) -> None:
    draft: dict[str, Any] = {"plans": PLANS, "wished": early_wish(turn(said))}
    take_up_wish(turn(""), draft)
    assert draft["plan"]["covers"] == plan


def test_last_years_plan_wished_before_there_is_a_price() -> None:
    draft: dict[str, Any] = {"plans": PLANS, "wished": early_wish(turn("按去年方案续就行"))}
    take_up_wish(turn(""), draft)
    assert draft["plan"] == "last_year"


@pytest.mark.parametrize("said", ["三者险买多少合适？", "去年没出过险", "苏E6K21P"])
def test_no_wish_for_a_plan(said: str) -> None:
    assert early_wish(turn(said)) is None


def test_covers_joined_by_and_share_the_sum() -> None:
    wish = find_wish("司机和乘客都提到5万", {"driver": "10000", "passengers": "10000"})
    assert wish is not None
    assert wish.covers == {"driver": 50_000, "passengers": 50_000}


@pytest.mark.parametrize("said", ["能不能再便宜点", "老客户有没有优惠", "打个折呗", "再便宜点"])
def test_a_discount_is_answered_and_chooses_no_plan(said: str) -> None:
    asked = turn(said)
    assert answer_about_plans(asked, {"plans": PLANS})
    assert "法律不允许" in asked.dispatcher.messages[0]["text"]


@pytest.mark.parametrize("said", ["投保人和被保险人有啥区别", "车损险和三者险有什么区别", "便宜点的方案"])
def test_what_is_not_about_the_plans_prices(said: str) -> None:
    assert not answer_about_plans(turn(said), {"plans": PLANS})


def test_all_that_would_be_disclosed_may_be_told_at_once() -> None:
    take = disclosure_field().take
    assert take(turn("没改装没贷款也不跑网约车，帮我报个价"), {}) == {}
    assert take(turn("没改装过"), {}) is None
    assert parse_disclosure(turn("没有没有都没有"), {}) == {}
    assert parse_disclosure(turn("都没有"), {"usage": "ride_hailing"}) == {"ride_hailing": True}


QUOTE = {
    "start": "2026-11-23T00:00:00+08:00",
    "earliest_start": "2026-11-23T00:00:00+08:00",
    "immediate_allowed": False,
    "declared": True,
}


@pytest.mark.parametrize(
    ("said", "more", "start"),
    [
        ("12月18号到期", {}, "2026-12-19"),
        ("今天到期", {}, "default"),
        ("越快越好", {}, "default"),
        ("越快越好", {"immediate_allowed": True}, "immediate"),
        ("今天能生效吗", {"immediate_allowed": True}, "immediate"),
    ],
)
def test_the_start_in_other_words(said: str, more: dict[str, Any], start: str) -> None:
    assert parse_start(turn(said), {"quote": QUOTE | more}) == start


def test_cover_after_the_old_one_needs_its_end() -> None:
    missed = parse_start(turn("平安那份到期了再接上"), {"quote": QUOTE})
    assert "哪天到期" in missed.why
    assert parse_start(turn("平安那份到期了再接上"), {"quote": QUOTE, "previous_end": "2026-12-19"}) == "default"


def test_facts_of_a_car_in_one_answer() -> None:
    assert car_facts.parse_model(turn("卡罗拉，21年9月上的牌，12万8买的"), {}) == "卡罗拉"
    assert car_facts.parse_registered(turn("21.9"), {}) == "2021-09"
    assert car_facts.registered_field().take(turn("2020年3月上的牌"), {}) == "2020-03"
    assert car_facts.usage_field().take(turn("给公司名下的车买保险"), {}) == "company"
    assert told_plate(turn("嗯苏E的六K二一P"), {}, "plate") == "苏E6K21P"


@pytest.mark.parametrize(
    ("said", "owner"),
    [
        ("我妈的，她叫吴秀兰", "吴秀兰"),
        ("是苏州云帆科技有限公司的车", "苏州云帆科技有限公司"),
        ("我叫周子涵", None),
    ],
)
def test_the_owner_told_in_passing(said: str, owner: str | None) -> None:
    assert _field("owner_name").take(turn(said), {}) == owner


def test_the_holder_told_in_passing() -> None:
    assert _field("holder_name").take(turn("13712340088 我叫周子涵"), {}) == "周子涵"
    assert _field("holder_name").parse(turn("David Miller"), {}) == "David Miller"


@pytest.mark.parametrize("said", ["先等一下，我有点事", "稍等", "我在开车，等会儿说", "等我看看"])
def test_patience_is_asked_for(said: str) -> None:
    assert asks_to_wait(said)


@pytest.mark.parametrize("said", ["等下，我想换成全面方案", "等等，还没收到", "等交警过来", "忘了"])
def test_an_answer_asks_for_no_patience(said: str) -> None:
    assert not asks_to_wait(said)


def test_purpose_and_call_back() -> None:
    assert asks_why("为什么要手机号")
    assert asks_why("车牌不想说，先看价行不行")
    assert not asks_why("京A12345")
    assert wants_call_back("你们明天上午给我打电话说吧")
    assert not wants_call_back("电话13712340088")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("这价格我要跟你们业务员谈", "customer_request"),
        ("这个价不行，找个人跟我谈", "customer_request"),
        ("我跟业务员说过了", None),
        ("业务员推荐的方案", None),
        ("他找了个人跟我谈私了", None),
    ],
)
def test_who_wants_to_bargain_with_a_person(said: str, reason: str | None) -> None:
    assert needed(turn(said)) == reason


@pytest.mark.parametrize(
    ("said", "task"),
    [
        ("多少钱", "new_policy"),
        ("车险一年多少钱啊", "new_policy"),
        ("想买车险，能不能先看看有哪几种方案", "new_policy"),
        ("车脱保两个多月了，现在还能买吗", "new_policy"),
        ("我的保险过期了，还能续保吗", "renewal"),
        ("三者险一年多少钱", None),
        ("摩托车交强险多少钱", None),
        ("脱保了能理赔吗", None),
    ],
)
def test_a_price_or_a_policy_is_wished_in_a_question(said: str, task: str | None) -> None:
    assert task_told(turn(said, intent="faq", confidence=0.9)) == task


@pytest.mark.parametrize(
    ("said", "covers"),
    [
        ("老车了，只想买三者和交强，苏E6K21P", {"third_party": 2_000_000}),
        ("先买交强险，商业险下个月再说", {}),
        ("先交强", {}),
        ("只买交强险和三者险", {"third_party": 2_000_000}),
    ],
)
def test_covers_that_are_all_he_wants(said: str, covers: dict[str, Any]) -> None:
    wish = find_wish(said, {"vehicle_damage": True, "third_party": "2000000"})
    assert wish is not None
    assert {code: int(float(amount)) for code, amount in wish.covers.items()} == covers


@pytest.mark.parametrize(
    ("said", "relation"),
    [("给我爸的车买个保险", "family"), ("公司名下的车", "family"), ("是我自己的车", "self"), ("我的车", None)],
)
def test_whose_car_it_is_told_in_passing(said: str, relation: str | None) -> None:
    assert _field("relation").take(turn(said), {}) == relation


def test_a_filler_is_no_name() -> None:
    assert _field("holder_name").parse(turn("好的"), {}) is None
