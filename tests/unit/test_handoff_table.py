"""The table of hand-offs: every reason that is used stands in it, and the grave ones come first."""

from __future__ import annotations

import re

import pytest

from chebao.handoff import HIGHEST, REASONS, label_of, priority_of, skill_of
from chebao.settings import ROOT
from tests.forbidden import PHRASES

_USED = re.compile(
    r"""request\(\s*(?:self\.)?turn, "(\w+)"|by_hub\(\s*"(\w+)"|_hand_off\(unit, message\.id, "(\w+)\""""
)


def test_every_reason_that_is_used_stands_in_the_table() -> None:
    used: set[str] = set()
    for path in (*(ROOT / "actions").glob("*.py"), ROOT / "chebao" / "conversations" / "outcomes.py"):
        used |= {"".join(found) for found in _USED.findall(path.read_text(encoding="utf-8"))}
    assert {"injury", "repeated_miss", "tool_failure", "customer_request"} <= used <= set(REASONS)


def test_people_come_before_everything_else() -> None:
    assert {name for name, row in REASONS.items() if row.priority == HIGHEST} == {
        *("injury", "distress", "in_danger", "complaint_grave")
    }
    assert {name for name, row in REASONS.items() if row.keep_bot} == {
        *("injury", "in_danger", "escalation", "fraud_signs")
    }


def test_what_cannot_wait_alerts_at_every_hour_and_has_words_for_the_night() -> None:
    assert {name for name, row in REASONS.items() if row.closed == "alert"} == {
        *("injury", "distress", "in_danger", "threat", "escalation", "complaint_grave")
    }
    assert all(bool(row.closed_words) == (row.closed == "alert") for row in REASONS.values())
    assert all(word in REASONS["injury"].closed_words[:24] for word in ("120", "122"))
    assert "12356" in REASONS["distress"].closed_words[:24]


def test_only_who_queues_the_customer_says_that_he_is_passed_on() -> None:
    """What the dialogue says can be said without anything being done; the hub says it where it does it."""
    promise = re.compile(r"(正在|已经?|马上|这就)(为您|帮您|给您)?(转接|转人工|转到人工|转给)")
    for path in (*(ROOT / "actions").glob("*.py"), ROOT / "domain.yml", ROOT / "chebao" / "handoff.py"):
        assert not promise.search(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("reason", REASONS)
def test_a_row_is_whole(reason: str) -> None:
    row = REASONS[reason]
    assert re.fullmatch(r"[\u4e00-\u9fffA-Z0-9 ]{2,16}", row.label) and 0 <= row.priority <= HIGHEST
    assert not any(phrase in row.words + row.closed_words for phrase in PHRASES)


def test_skills_follow_reason_then_task() -> None:
    assert skill_of("injury", "renewal") == "claims"
    assert skill_of("customer_request", "renewal") == "renewal"
    assert skill_of("customer_request", None) == skill_of("customer_request", "invoice") == "general"


def test_an_unknown_reason_is_served_as_a_wish() -> None:
    assert (priority_of("other", vip=False, care=False), label_of("other")) == (5, "other")
