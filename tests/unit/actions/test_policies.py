"""Which policy is meant: the buttons tell two of one car and kind apart."""

from __future__ import annotations

from actions.policies import policy_field
from tests.unit.dialogue.fields_asked import turn


def policy(number: str, kind: str, end: str) -> dict[str, str]:
    return {"policy_no": number, "kind": kind, "plate": "京A12345", "end": end}


def test_this_years_and_the_next_ones_policy_are_told_apart_by_their_end() -> None:
    rows = [
        policy("P1", "compulsory", "2026-12-30"),
        policy("P2", "compulsory", "2027-12-30"),
        policy("P3", "commercial", "2026-12-30"),
    ]
    prompt = policy_field("哪一张？").ask(turn(), {"policies": rows})
    assert [button.title for button in prompt.buttons] == [
        "京A12345 交强险（2026-12-30到期）",
        "京A12345 交强险（2027-12-30到期）",
        "京A12345 商业险",
    ]
