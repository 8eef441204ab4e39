"""What is said to a knowledge question: the source, the record for the ledger, and what one's own policies add."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from actions import answers, own_facts
from actions.forms import Form
from actions.policy_change import PolicyChangeForm
from actions.renewal import RenewalForm
from actions.services import knowledge
from actions.turn import Turn
from chebao.backoffice.client import BackOffice
from tests.unit.actions.conversation import Conversation
from tests.unit.actions.turns import turn

VERIFIED = {"customer_id": "C001", "phone": "13800000001", "name": "王建国"}
QUESTION = "三者险的保额买多少合适"


def _office(handler: Any) -> BackOffice:
    return BackOffice("http://office.test/backoffice/v1", "demo", httpx.MockTransport(handler))


def _policies(asked: Turn, covers: dict[str, Any]) -> list[dict[str, Any]]:
    day = timedelta(days=1)
    start, end = (asked.now - 100 * day).date().isoformat(), (asked.now + 20 * day).date().isoformat()
    common = {"plate": "京A12345", "start": start, "end": end}
    return [{**common, "kind": "compulsory"}, {**common, "kind": "commercial", "covers": covers}]


def _answer(asked: Turn) -> list[dict[str, Any]]:
    asyncio.run(answers.say(asked, answers.find(asked)))
    said: list[dict[str, Any]] = asked.dispatcher.messages
    return said


def test_an_answer_names_its_source_and_is_recorded() -> None:
    (said,) = _answer(turn(QUESTION))
    article = knowledge().article("cover_third_party")
    assert article is not None
    assert said["text"].startswith(article.lead)
    assert said["text"].endswith(f"依据：{article.sources[0]}")
    assert said["custom"] == {"knowledge": {"topic": "cover_third_party", "version": 1, "kind": "confident"}}


@pytest.mark.parametrize(("foreign", "kind"), [(0.01, "confident"), (0.4, "choices")])
def test_a_question_without_a_word_of_motoring_is_answered_where_no_other_matter_is_likely(
    foreign: float, kind: str
) -> None:
    asked = turn("付保费的钱可以分几期还吗")
    asked.tracker.latest_message["intent_ranking"] = [
        {"name": "faq", "confidence": 1 - foreign},
        {"name": "out_of_scope", "confidence": foreign},
    ]
    assert answers.find(asked).kind == kind


def test_a_verified_customer_hears_his_own_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = turn(QUESTION, verified=VERIFIED)
    calls: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200, json={"items": _policies(asked, {"third_party": 2_000_000})})

    monkeypatch.setattr(own_facts, "backoffice", lambda: _office(serve))
    (said,) = _answer(asked)
    assert "您的 京A12345 有第三者责任险200万，保到 2026 年 12 月 12 日 0 点。" in said["text"]
    assert len(calls) == 1
    assert "as_customer=C001" in str(calls[0].url)


def test_a_missing_cover_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = turn(QUESTION, verified=VERIFIED)
    rows = _policies(asked, {"vehicle_damage": 100_000})
    monkeypatch.setattr(own_facts, "backoffice", lambda: _office(lambda _: httpx.Response(200, json={"items": rows})))
    (said,) = _answer(asked)
    assert "您的 京A12345 这份商业险里没有第三者责任险。" in said["text"]


@pytest.mark.parametrize(
    ("question", "covers", "told"),
    [
        ("绝对免赔率是什么意思", {"third_party": 2_000_000}, "您的 京A12345 没有约定绝对免赔率。"),
        ("绝对免赔率是什么意思", {"absolute_deductible": 10}, "您的 京A12345 约定了绝对免赔率 10%。"),
        (
            QUESTION,
            {"third_party": 2_000_000, "absolute_deductible": 15},
            "第三者责任险200万，约定了绝对免赔率 15%，保到",
        ),
        ("划痕险保额够用吗", {"scratch": 5_000, "absolute_deductible": 15}, "有车身划痕损失险5000元，保到"),
    ],
)
def test_the_share_that_the_customer_bears_is_told(
    monkeypatch: pytest.MonkeyPatch, question: str, covers: dict[str, Any], told: str
) -> None:
    asked = turn(question, verified=VERIFIED)
    rows = _policies(asked, covers)
    monkeypatch.setattr(own_facts, "backoffice", lambda: _office(lambda _: httpx.Response(200, json={"items": rows})))
    assert told in _answer(asked)[0]["text"]


def _amid(form: Form, asked: str, draft: dict[str, Any], verified: dict[str, Any] | None) -> Conversation:
    """In the middle of a form that waits for an answer to `asked`."""
    slots = {form.slot: draft, "requested_slot": asked}
    return Conversation(form, slots, loop=form.name(), verified=verified)


_RENEWING = {"id_phone": "13800000001", "cars": ["京A12345", "京B54321"]}


@pytest.mark.parametrize(
    ("plate", "question", "told", "untold"),
    [
        (None, "要续哪辆车", ("您的 京A12345 有第三者责任险200万", "您的 京B54321 有第三者责任险100万"), ()),
        ("京B54321", "这份续保的投保人", ("您的 京B54321 有第三者责任险100万",), ("京A12345 有第三者责任险",)),
    ],
)
def test_in_a_dialogue_he_hears_his_own_sum_too_of_the_car_it_is_about(
    monkeypatch: pytest.MonkeyPatch, plate: str | None, question: str, told: tuple[str, ...], untold: tuple[str, ...]
) -> None:
    rows = _policies(turn(""), {"third_party": 2_000_000})
    rows += [{**row, "plate": "京B54321"} for row in _policies(turn(""), {"third_party": 1_000_000})]
    calls: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200, json={"items": rows})

    monkeypatch.setattr(own_facts, "backoffice", lambda: _office(serve))
    asked = "relation" if plate else "plate"
    draft = _RENEWING | ({"plate": plate, "options": True, "plan": "last_year", "adjusted": True} if plate else {})
    renewal = _amid(RenewalForm(), asked, draft, VERIFIED)
    said = renewal.say(QUESTION, intent="faq")
    assert all(words in said for words in told) and not any(words in said for words in untold)
    assert len(calls) == 1
    assert renewal.asked == asked and said.splitlines()[-1].startswith(question), "the open question comes last"


def test_a_dialogue_that_has_the_policies_asks_for_them_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> BackOffice:
        raise AssertionError("the back office was asked")

    monkeypatch.setattr(own_facts, "backoffice", refuse)
    rows = [{"policy_no": "P1", "premium": "100", **row} for row in _policies(turn(""), {"third_party": 2_000_000})]
    change = _amid(PolicyChangeForm(), "change", {"policies": rows}, VERIFIED)
    assert "您的 京A12345 有第三者责任险200万" in change.say(QUESTION, intent="faq")
    assert change.asked == "change"


def test_a_dialogue_tells_a_stranger_nothing_of_any_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> BackOffice:
        raise AssertionError("the back office was asked")

    monkeypatch.setattr(own_facts, "backoffice", refuse)
    said = _amid(RenewalForm(), "id_phone", {"plate": "京A12345"}, None).say(QUESTION, intent="faq")
    assert "依据：" in said and "您的 " not in said


def test_a_policy_that_has_ended_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = turn(QUESTION, verified=VERIFIED)
    rows = _policies(asked, {"third_party": 2_000_000})
    for row in rows:
        row["end"] = asked.now.date().isoformat()
    monkeypatch.setattr(own_facts, "backoffice", lambda: _office(lambda _: httpx.Response(200, json={"items": rows})))
    (said,) = _answer(asked)
    assert "京A12345" not in said["text"]


def test_nobody_is_asked_about_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> BackOffice:
        raise AssertionError("the back office was asked")

    monkeypatch.setattr(own_facts, "backoffice", refuse)
    (said,) = _answer(turn(QUESTION))
    assert "您的 " not in said["text"]


@pytest.mark.parametrize("trouble", ["slow", "down"])
def test_trouble_leaves_the_general_answer(monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    async def serve(request: httpx.Request) -> httpx.Response:
        if trouble == "slow":
            await asyncio.sleep(5)
        return httpx.Response(503)

    monkeypatch.setattr(own_facts, "backoffice", lambda: _office(serve))
    monkeypatch.setattr(own_facts, "PATIENCE", 0.1)
    (said,) = _answer(turn(QUESTION, verified=VERIFIED))
    article = knowledge().article("cover_third_party")
    assert article is not None
    assert said["text"].startswith(article.lead)
    assert "您的 " not in said["text"]


def test_what_is_not_known_is_recorded_too() -> None:
    (said,) = _answer(turn("社保断交两个月怎么办"))
    assert said["custom"] == {"knowledge": {"kind": "none"}}
    assert [button["title"] for button in said["buttons"]] == ["转人工"]


def test_a_chosen_title_is_answered() -> None:
    (said,) = _answer(turn("", pressed={"topic": "surrender"}))
    assert said["custom"]["knowledge"]["topic"] == "surrender"
    (unknown,) = _answer(turn("", pressed={"topic": "nonsense"}))
    assert unknown["custom"] == {"knowledge": {"kind": "none"}}
