"""Rasa's domain and rules on one side, the action server on the other: both know the same dialogues."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import yaml
from rasa_sdk.executor import ActionExecutor

from actions.answers import SMALL_TALK
from actions.tasks import TASKS
from chebao.settings import ROOT
from tests.unit.dialogue.fields_asked import all_actions, all_forms

DOMAIN: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
INTENTS = [name for entry in DOMAIN["intents"] for name in (entry if isinstance(entry, dict) else {entry: {}})]
RULES: list[dict[str, Any]] = [
    rule
    for path in sorted((ROOT / "data" / "rules").glob("*.yml"))
    for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]
]
each_task = pytest.mark.parametrize("task", TASKS)


def test_the_actions_of_the_domain_are_those_of_the_action_server() -> None:
    executor = ActionExecutor()
    executor.register_package("actions")

    assert len(set(DOMAIN["actions"])) == len(DOMAIN["actions"])
    assert sorted(executor.actions) == sorted(DOMAIN["actions"])


def test_no_action_replaces_another_of_its_name() -> None:
    names = Counter(action.name() for action in all_actions())

    assert [name for name, count in names.items() if count > 1] == []
    assert set(names) == set(DOMAIN["actions"])


def test_the_forms_are_those_of_the_tasks() -> None:
    assert sorted(form.task for form in all_forms()) == sorted(TASKS)
    assert sorted(DOMAIN["forms"]) == sorted(f"{task}_form" for task in TASKS)


@each_task
def test_a_task_has_intent_form_and_slot(task: str) -> None:
    assert task in INTENTS
    assert DOMAIN["forms"][f"{task}_form"] == {"required_slots": []}
    slot = DOMAIN["slots"][f"{task}_draft"]
    assert (slot["type"], slot["influence_conversation"], slot["mappings"]) == ("any", False, [{"type": "custom"}])


@each_task
def test_a_task_has_its_starting_and_its_ending_rule(task: str) -> None:
    form = f"{task}_form"
    starts = {"steps": [{"intent": task}, {"action": form}, {"active_loop": form}]}
    ends = {"condition": [{"active_loop": form}], "steps": [{"action": form}, {"active_loop": None}]}
    bodies = [{key: value for key, value in rule.items() if key != "rule"} for rule in RULES]

    assert bodies.count(starts) == 1
    assert bodies.count(ends) == 1


def test_every_other_intent_has_one_rule_outside_the_dialogues() -> None:
    first = Counter(rule["steps"][0].get("intent") for rule in RULES)

    assert {intent: first[intent] for intent in INTENTS} == dict.fromkeys(INTENTS, 1)
    assert first["nlu_fallback"] == 1


def test_the_responses_are_those_of_small_talk() -> None:
    assert set(DOMAIN["responses"]) == {f"utter_{intent}" for intent in SMALL_TALK if intent != "repeat"}


def test_slots_are_the_drafts_and_what_the_forms_keep() -> None:
    kept = {
        "requested_slot",
        "misses",
        "suspended_tasks",
        "fallback_misses",
        "unsure_of",
        "last_claim_no",
        "alerted",
        "agent_left_at",
    }

    assert set(DOMAIN["slots"]) == kept | {f"{task}_draft" for task in TASKS}


def test_every_journey_has_its_stories_and_its_tests() -> None:
    journeys = {task.removeprefix("report_") for task in TASKS} | {"handoff", "small_talk", "faq", "fallback"}
    written = {path.stem for path in (ROOT / "data" / "stories").glob("*.yml")}
    tested = {path.stem for path in (ROOT / "tests" / "dialogue" / "stories").glob("*.yml")}

    assert written == journeys
    assert tested == {f"test_{journey}" for journey in journeys} | {"test_every_form"}
