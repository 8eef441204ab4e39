"""Short answers mean what the question just asked makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import wording
from actions.nodes import Field, Miss
from actions.turn import Turn
from tests.unit.actions.turns import turn
from tests.unit.dialogue.fields_asked import DRAFT, VARIANTS, all_fields

FIELDS: dict[tuple[str, str], Field] = {(form.task, field.name): field for form, field in all_fields()}
PLANS = next(variant for variant in VARIANTS if "plans" in variant)


def heard(task: str, name: str, said: str, draft: dict[str, Any]) -> Any:
    """What the field makes of an answer to its question."""
    return FIELDS[task, name].parse(turn(said), draft)


@pytest.mark.parametrize(
    ("task", "name", "value"),
    [("report_claim", "injury", "no"), ("report_claim", "police_reported", "no"), ("new_policy", "disclosure", {})],
)
def test_a_no_is_the_no_of_the_question(task: str, name: str, value: Any) -> None:
    assert heard(task, name, "没有", {}) == value


@pytest.mark.parametrize(("said", "day"), [("13号", "2026-11-13"), ("前天", "2026-11-20"), ("上周五", "2026-11-13")])
def test_a_day_is_the_day_of_the_accident_asked_about(said: str, day: str) -> None:
    draft: dict[str, Any] = {"occurred_asked": True}
    assert heard("report_claim", "occurred_at", said, draft)["at"].startswith(day)


def test_the_13th_is_a_day_to_come_where_one_is_asked_for() -> None:
    assert heard("appointment", "when", "13号上午十点", {})["at"].startswith("2026-12-13T10:00")
    assert heard("new_policy", "start", "13号", DRAFT) == "2026-12-13"
    assert isinstance(heard("appointment", "when", "11月13号上午十点", {}), Miss)


@pytest.mark.parametrize(
    ("said", "plan"), [("第二个", "standard"), ("就那个", "standard"), ("就这个吧", "standard"), ("最便宜的", "basic")]
)
def test_a_place_in_the_list_or_that_one_is_a_plan(said: str, plan: str) -> None:
    assert heard("new_policy", "plan", said, {**DRAFT, **PLANS}) == plan


@pytest.mark.parametrize("said", ["不是，是大众", "不是的，是大众朗逸", "不是，应该是大众"])
def test_a_no_with_another_value_is_a_correction(said: str) -> None:
    assert wording.is_correction(said)
    assert wording.corrected_to(said).startswith("大众")


def test_who_thinks_better_of_it_corrects_himself() -> None:
    assert (
        wording.is_correction("等等，还是选全面的吧") and wording.corrected_to("等等，还是选全面的吧") == "选全面的吧"
    )


@pytest.mark.parametrize("said", ["不是", "不是我开的", "是大众", "不是退保"])
def test_a_bare_no_is_none(said: str) -> None:
    assert not wording.is_correction(said)


def test_traditional_characters_are_read_simplified() -> None:
    message = {"text": "車價十二萬八", "simplified": "车价十二万八"}
    tracker = Tracker("c1", {}, message, [], False, None, {}, "action_listen")
    heard_as = Turn.of(CollectingDispatcher(), tracker)
    assert heard_as.text == "车价十二万八"
    assert FIELDS["new_policy", "price"].parse(heard_as, {}) == "128000"
