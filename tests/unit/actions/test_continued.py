"""A dialogue's side of going on elsewhere: what it asks the hub for, what it offers, what it drops."""

from __future__ import annotations

from typing import Any

import pytest

from actions.claim import ReportClaimForm
from actions.continued import asks_to_resume
from tests.unit.actions.conversation import Conversation
from tests.unit.actions.turns import turn

VERIFIED = {"customer_id": None, "phone": "13812345678", "name": None}
BEGUN = {
    "conversation": "c0",
    "channel": "web",
    "task": "report_claim",
    "draft": {"injury": "no", "consent": "yes", "consent_check": True, "plate": "京A12345", "place": "北京市三环"},
}


@pytest.fixture
def claim() -> Conversation:
    return Conversation(ReportClaimForm(), verified=VERIFIED)


def told(claim: Conversation, what: str, *begun: dict[str, Any]) -> str:
    """The hub's second call."""
    message = {"text": "", "pressed": True, "intent": {"name": "report_claim", "confidence": 1.0}}
    return claim._turn(message | {"entities": [{"entity": "begun", "value": what}]}, {"begun": list(begun)})


def effects(claim: Conversation, name: str) -> list[Any]:
    return [effect[name] for effect in claim.effects if name in effect]


def asking(claim: Conversation) -> list[str]:
    """Questions that give way to an offer."""
    return [r["text"] for r in claim.replies if (r.get("custom") or {}).get("asks")]


@pytest.mark.parametrize(
    "text", ["接着上次的报案", "继续之前的", "昨天的报案还没填完", "我想继续办上次的投保", "接着填网页上那份"]
)
def test_words_that_ask_to_go_on(text: str) -> None:
    assert asks_to_resume(turn(text))


@pytest.mark.parametrize("text", ["我要报案", "上次的理赔到哪一步了", "我继续等", "之前买的保险什么时候到期"])
def test_words_that_ask_for_something_else(text: str) -> None:
    assert not asks_to_resume(turn(text))


def test_an_identified_customer_with_a_new_matter_is_not_led_to_an_old_one(claim: Conversation) -> None:
    claim.say("我要报案", intent="report_claim")
    assert not effects(claim, "elsewhere") and asking(claim) == []


def test_an_identified_customer_who_wants_to_go_on_has_the_hub_look_and_the_question_gives_way(
    claim: Conversation,
) -> None:
    said = claim.say("接着上次的报案", intent="report_claim")
    assert effects(claim, "elsewhere") == [{"task": "report_claim"}]
    assert asking(claim) == [said]


def test_who_is_not_identified_asks_the_hub_for_nothing_and_tells_it_nothing(claim: Conversation) -> None:
    claim.verified = None
    claim.say("我要报案", intent="report_claim")
    claim.say("没有人受伤")
    assert claim.effects == [] and asking(claim) == []


def test_asking_to_go_on_asks_who_it_is_first(claim: Conversation) -> None:
    claim.verified = None
    assert "手机号" in claim.say("接着上次的报案", intent="report_claim")
    assert claim.asked == "id_phone"


def test_the_offer_names_what_is_known_and_yes_takes_it(claim: Conversation) -> None:
    claim.say("接着上次的报案", intent="report_claim")
    assert effects(claim, "elsewhere") == [{"task": "report_claim"}]
    offer = told(claim, "offer", BEGUN)
    assert offer == "您在网页上的事故报案还没填完（车牌 京A12345，地点 北京市三环），要接着填吗？"
    claim.say("要")
    assert effects(claim, "take_over") == [{"conversation": "c0", "task": "report_claim"}]
    said = told(claim, "taken", BEGUN)
    assert "接上了" in said and "北京市三环" in said and claim.asked == "accident_type"
    assert effects(claim, "begun")[-1]["draft"]["place"] == "北京市三环"


def test_a_proof_that_lapsed_before_the_yes_is_asked_for_again(claim: Conversation) -> None:
    claim.say("我的车追尾了", intent="report_claim")
    told(claim, "offer", BEGUN)
    claim.verified = None
    assert "手机号" in claim.press("接着填")
    assert not effects(claim, "take_over")


@pytest.mark.parametrize("no", ["先不用", "不用了", "不"])
def test_no_goes_on_with_the_own_one(claim: Conversation, no: str) -> None:
    claim.say("我的车追尾了", intent="report_claim")
    asked = claim.asked
    told(claim, "offer", BEGUN)
    if no == "先不用":
        claim.press(no)
    else:
        claim.say(no, intent="deny")
    assert claim.asked == asked and not effects(claim, "take_over")


def test_any_other_words_answer_the_dialogue(claim: Conversation) -> None:
    claim.say("我的车追尾了", intent="report_claim")
    told(claim, "offer", BEGUN)
    claim.say("在朝阳区建国路88号出的事，没人受伤")
    assert claim.asked != "elsewhere" and "offer" not in claim.draft


@pytest.mark.parametrize(("what", "words"), [("none", "没有查到"), ("gone", "没法接过来")])
def test_nothing_to_go_on_with_is_said(claim: Conversation, what: str, words: str) -> None:
    claim.say("我的车追尾了", intent="report_claim")
    asked = claim.asked
    assert words in told(claim, what)
    assert claim.asked == asked


def test_what_moved_away_is_dropped_and_said_once(claim: Conversation) -> None:
    claim.say("我的车追尾了", intent="report_claim")
    claim.say("没有人受伤")
    said = claim.say("同意", moved={"report_claim": {"channel": "wechat", "at": "x"}})
    assert "已经转到微信上" in said and "不会重复提交" in said
    assert claim.loop is None and not claim.draft
    assert {"task": "report_claim", "draft": None} in effects(claim, "begun")


def test_changing_the_channel_keeps_the_draft_after_a_proof(claim: Conversation) -> None:
    claim.say("我的车追尾了", intent="report_claim")
    claim.say("没有人受伤")
    claim.verified = None
    asked = claim.asked
    assert "手机号" in claim.say("我换到微信接着填")
    claim.verified = VERIFIED
    assert "存好了" in claim.say("我换到微信接着填")
    assert claim.asked == asked and effects(claim, "begun")[-1]["draft"]["injury"] == "no"


def test_what_is_being_submitted_is_nobody_elses(claim: Conversation) -> None:
    claim.slots[claim.form.slot] = {**BEGUN["draft"], "confirm": {"at": "m1"}}
    claim.loop, claim.slots["requested_slot"] = "report_claim_form", "retry"
    claim.say("好的")
    assert effects(claim, "begun") == [{"task": "report_claim", "draft": None}]


def test_a_lapsed_proof_in_the_draft_is_void(claim: Conversation) -> None:
    claim.verified = None
    claim.slots[claim.form.slot] = {"id_phone": "13812345678", "id_code": {"verified": VERIFIED}, "injury": "no"}
    claim.loop, claim.slots["requested_slot"] = "report_claim_form", "consent"
    claim.say("同意", channel="web")
    assert "id_code" not in claim.draft and not effects(claim, "begun")
