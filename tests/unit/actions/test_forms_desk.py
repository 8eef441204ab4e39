"""The running form in an agent's hands, by the dialogue's own questions and parsers."""

from __future__ import annotations

from typing import Any

import pytest

from actions import forms_desk
from actions.tasks import TASKS
from chebao.errors import InputRefused
from tests.unit.dialogue.fields_asked import DRAFT

_CLAIM: dict[str, Any] = {
    "injury": "no",
    "consent": "yes",
    "accident_type": "rear_end",
    "police_reported": "no",
    "plate": "京A12345",
    "occurred_at": {"at": "2026-11-21T20:00:00+08:00", "precision": "hour"},
    "late": True,
    "place": "北三环西路",
    "phone": "13800000001",
    "confirm": {"at": "m9"},
}


def fields_of(draft: dict[str, Any], edits: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    form = forms_desk.shown("report_claim", draft, edits)
    assert form is not None and form["label"] == "事故报案"
    return {field["name"]: field for field in form["fields"]}


def test_an_agent_reads_what_the_customer_would_be_read() -> None:
    fields = fields_of(_CLAIM)
    assert fields["occurred_at"]["shown"] == "11月21日 20:00左右" and not fields["occurred_at"]["missing"]
    assert fields["damage"]["missing"] and fields["damage"]["words"] == ""
    assert {"value": "no", "title": "没有人受伤"} in fields["injury"]["choices"] and fields["injury"][
        "kind"
    ] == "choice"
    assert "consent" not in fields and "confirm" not in fields


def test_a_phone_number_stays_masked() -> None:
    phone = fields_of(_CLAIM)["phone"]
    assert (phone["shown"], phone["words"], phone["value"]) == ("138****0001", "", None)


@pytest.mark.asyncio
async def test_words_are_taken_as_if_the_customer_had_answered() -> None:
    words = {"place": "朝阳区建国路88号", "drivable": "不能开，要拖车", "phone": "13900000002"}
    edits = await forms_desk.check("report_claim", _CLAIM, words)
    assert (edits["drivable"], edits["phone"]) == ("no", "13900000002") and "建国路" in edits["place"]
    more = await forms_desk.check("report_claim", _CLAIM, {"car_location": "路边应急车道"}, edits)
    assert more == edits | {"car_location": "路边应急车道"}
    fields = fields_of(_CLAIM, more)
    assert fields["drivable"]["shown"] == "不能开，要拖车" and "建国路" in fields["place"]["shown"]


def test_a_change_makes_void_what_hung_on_it() -> None:
    draft = forms_desk.edited(
        "report_claim", _CLAIM, {"occurred_at": {"at": "2026-11-22T08:00:00+08:00", "precision": "hour"}}
    )
    assert "confirm" not in draft and "late" not in draft and draft["plate"] == "京A12345"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"plate": "京A123"}, "少了或多了一位"),
        ({"occurred_at": "唔"}, "大概时间"),
        ({"phone": "138000"}, "11 位"),
        ({"confirm": "确认提交"}, "不能改"),
        ({"car_location": "路边"}, "不能改"),
    ],
)
async def test_what_the_dialogue_would_not_take_is_refused_with_its_words(words: dict[str, str], why: str) -> None:
    with pytest.raises(InputRefused) as refused:
        await forms_desk.check("report_claim", _CLAIM, words | {"place": "朝阳区建国路88号"})
    assert list(refused.value.detail) == list(words) and why in refused.value.detail[next(iter(words))]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("draft", [{}, DRAFT], ids=["empty", "full"])
def test_every_form_can_be_shown_at_any_time(task: str, draft: dict[str, Any]) -> None:
    form = forms_desk.shown(task, draft)
    assert form is not None and form["task"] == task


@pytest.mark.asyncio
async def test_no_form_of_ours_is_nothing() -> None:
    assert forms_desk.shown("", {}) is None
    with pytest.raises(InputRefused):
        await forms_desk.check("", {}, {"plate": "京A12345"})
