"""What every field of every dialogue promises to the customer who is asked."""

from __future__ import annotations

import re

import pytest

from actions.forms import Form
from actions.nodes import Field
from tests.unit.dialogue.fields_asked import all_fields, prompts

FIELDS = all_fields()
each_field = pytest.mark.parametrize(("form", "field"), FIELDS, ids=[f"{f.task}-{n.name}" for f, n in FIELDS])

MOST_BUTTONS = 9
LONGEST_TITLE = 20
ASKS = re.compile(r"[？?]$|请|再?发|选|留")


def last_sentence(text: str) -> str:
    """What stands after the last full stop, question or exclamation mark before the end."""
    return re.split(r"(?<=[。！？!?\n])(?=.)", text.strip())[-1]


@each_field
def test_it_has_a_label_and_an_explanation(form: Form, field: Field) -> None:
    assert re.search(r"[\u4e00-\u9fff]", field.label)
    assert len(field.explain) >= 10


@each_field
def test_its_question_ends_with_the_asking_sentence(form: Form, field: Field) -> None:
    for prompt in prompts(field):
        assert ASKS.search(last_sentence(prompt.text)), prompt.text


@each_field
def test_its_buttons_are_few_short_and_different(form: Form, field: Field) -> None:
    for prompt in prompts(field):
        titles = [b.title for b in prompt.buttons]
        assert len(titles) <= MOST_BUTTONS
        assert len(set(titles)) == len(titles), titles
        assert all(1 <= len(title) <= LONGEST_TITLE for title in titles), titles


@each_field
def test_its_buttons_stand_for_it_or_for_an_intent(form: Form, field: Field) -> None:
    for prompt in prompts(field):
        for button in prompt.buttons:
            named = re.match(r'/inform\{"(\w+)":', button.payload)
            assert re.fullmatch(r"/[a-z_]+(\{.*\})?", button.payload), button.payload
            assert named is None or form.field(named.group(1)) is not None, button.payload


def test_a_form_names_its_fields_and_steps_once() -> None:
    for form in {id(f): f for f, _ in FIELDS}.values():
        names = [node.name for node in form.nodes]
        assert len(set(names)) == len(names), form.task
