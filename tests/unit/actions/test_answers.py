"""What is said to a knowledge question: the source, the record for the ledger, and what one's own policies add."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from actions import answers, own_facts
from actions.services import knowledge
from actions.turn import Turn
from chebao.backoffice.client import BackOffice
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
    asyncio.run(answers.answer_personally(asked, answers.find(asked)))
    said: list[dict[str, Any]] = asked.dispatcher.messages
    return said


def test_an_answer_names_its_source_and_is_recorded() -> None:
    (said,) = _answer(turn(QUESTION))
    article = knowledge().article("cover_third_party")
    assert article is not None
    assert said["text"].startswith(article.lead)
    assert said["text"].endswith(f"依据：{article.sources[0]}")
    assert said["custom"] == {"knowledge": {"topic": "cover_third_party", "version": 1, "kind": "confident"}}


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
