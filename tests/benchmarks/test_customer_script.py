"""The customer script of the benchmarks."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import customers
from benchmarks.customers import Conversation
from tests.running import RunningStack


def test_script_mixes_claims_renewals_questions_and_small_talk() -> None:
    kinds = Counter(kind for kind, _ in customers.chosen())
    assert kinds["claim"] >= 10 and kinds["renewal"] >= 6 and kinds["interruptions"] >= 4
    said = [text for talk in customers.talks() for text in talk.messages]
    assert any("？" in text or "吗" in text for text in said)
    assert any("你好" in text or "您好" in text or "早上好" in text for text in said)


def test_script_is_the_same_in_every_run_and_for_both_sides() -> None:
    names = [scenario["scenario"] for _, scenario in customers.chosen()]
    assert names == [scenario["scenario"] for _, scenario in customers.chosen()]
    assert len(set(names)) == len(names)
    script = [Conversation("talk", (str(n),)) for n in range(7)]
    assert customers.rounds(script, 20) == customers.rounds(script, 20)


def test_rounds_use_every_conversation_before_one_comes_again() -> None:
    script = [Conversation("talk", (str(n), "b", "c")) for n in range(5)]
    drawn = customers.rounds(script, 10, cut=2)
    assert Counter(messages[0] for messages in drawn) == {str(n): 2 for n in range(5)}
    assert all(len(messages) == 2 for messages in drawn)


def test_only_scenarios_of_words_that_stay_with_the_assistant() -> None:
    for _, scenario in customers.chosen({"claim": 99, "renewal": 99, "new_policy": 99, "interruptions": 99}):
        assert scenario.get("goal", {}).get("owner", "bot") == "bot", scenario["scenario"]
    assert all(isinstance(text, str) and text for messages in customers.unplayed() for text in messages)


@pytest.mark.parametrize(
    ("annotated", "plain"),
    [
        ('没有[交强险]{"entity": "coverage", "value": "compulsory"}上路会怎么处罚？\n', "没有交强险上路会怎么处罚？"),
        ("我是[浙A66K12](plate)", "我是浙A66K12"),
        ("谢谢", "谢谢"),
    ],
)
def test_annotations_are_taken_out(annotated: str, plain: str) -> None:
    assert customers.plain(annotated) == plain


def test_scenarios_are_written_down_on_a_running_stack(stack: RunningStack) -> None:
    scenarios = customers.chosen({"claim": 1, "renewal": 1})
    written = list(customers.recorded(stack.url, "demo", scenarios))
    assert [conversation.kind for conversation in written] == ["claim", "renewal"]
    for conversation, (_, scenario) in zip(written, scenarios, strict=True):
        opening = scenario["open"] if isinstance(scenario["open"], list) else [scenario["open"]]
        assert list(conversation.messages[: len(opening)]) == opening
        assert len(conversation.messages) > 5
        assert not any(text.startswith(("/", "~")) for text in conversation.messages)
