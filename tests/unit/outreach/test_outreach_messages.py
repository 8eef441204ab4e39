"""The words for back-office events."""

from __future__ import annotations

import pytest

from chebao.outreach.messages import reply_for


def test_documents_that_are_missing_are_named() -> None:
    reply = reply_for(
        "claim_status", {"claim_no": "CL1", "status": "documents_missing", "missing": ["驾驶证", "行驶证"]}
    )
    assert reply and reply.text == "您的报案 CL1 有新进展：还需要补充材料：驾驶证、行驶证。"


def test_a_received_payment_is_confirmed_with_its_plate() -> None:
    reply = reply_for("application_paid", {"plate": "京A12345"})
    assert reply and "（京A12345）" in reply.text


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("unheard_of", {}),
        ("claim_status", {"claim_no": "CL1", "status": "unheard_of"}),
        ("claim_status", {"status": "paid"}),
        ("application_issued", {"compulsory": None}),
    ],
)
def test_events_without_words(kind: str, data: dict[str, object]) -> None:
    assert reply_for(kind, data) is None


@pytest.mark.parametrize(
    ("told", "shown"), [("2040.79", "2,040.79"), ("950", "950.00"), ("面议", "面议"), (None, None)]
)
def test_a_policys_price_is_written_as_everywhere_else(told: str | None, shown: str | None) -> None:
    reply = reply_for("application_issued", {"commercial": {"policy_no": "P1", "price": told}})
    assert reply and reply.custom
    assert reply.custom["card"]["items"][0]["premium"] == shown
