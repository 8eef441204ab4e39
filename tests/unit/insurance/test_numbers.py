"""Identifiers that are strings of digits and letters: id card, phone, VIN, policy and claim numbers."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance import idcard, vin
from chebao.insurance.phone import find_phones
from chebao.insurance.policy_numbers import find_claim_nos, find_policy_nos


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        ("330106199203145017", "330106199203145017"),
        ("110101 19850307 0013", "110101198503070013"),
        ("身份证号３３０１０６１９９２０３１４５０１７。", "330106199203145017"),
        ("11010519491231002x", "11010519491231002X"),
        ("330106199203145018", ""),
        ("330106199213145017", ""),
        ("1330106199203145017", ""),
    ],
)
def test_id_cards(text: str, cards: str) -> None:
    assert " ".join(found.value for found in idcard.find_id_cards(text)) == cards


def test_birth_date_must_be_plausible() -> None:
    assert idcard.birth_date("330106199203145017") == date(1992, 3, 14)
    assert not idcard.is_valid("330106209903145017")


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(position: int, shift: int) -> None:
    card = "330106199203145017"
    digit = str((int(card[position]) + shift) % 10)
    assert not idcard.is_valid(card[:position] + digit + card[position + 1 :])


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("13800000001", "13800000001"),
        ("138 0000 0001", "13800000001"),
        ("138-0000-0001", "13800000001"),
        ("+86 13800000001", "13800000001"),
        ("+8613800000001", "13800000001"),
        ("电话１３８０００００００１吧", "13800000001"),
        ("一三八零零零零零零零一", "13800000001"),
        ("幺三八零零零零零零零幺", "13800000001"),
        ("12800000001", ""),
        ("138000000011", ""),
        ("330106199203145017", ""),
        ("旧的13800000001换成13900000002", "13800000001 13900000002"),
    ],
)
def test_phones(text: str, phones: str) -> None:
    assert " ".join(found.value for found in find_phones(text)) == phones


@pytest.mark.parametrize("number", ["LFMAPE2CXN0000001", "LRW3E7FA3S0000002", "LSVND2BR9P2000088"])
def test_vins_of_the_demo_data_are_valid(number: str) -> None:
    assert vin.is_valid(number)
    assert [found.value for found in vin.find_vins(f"车架号{number.lower()}。")] == [number]
    assert not vin.is_valid(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize("text", ["12345678901234567", "LFMAPE2CXN000000", "LFMAPE2CXN00000012", "IOQAPE2CXN0000001"])
def test_not_a_vin(text: str) -> None:
    assert vin.find_vins(text) == []


@pytest.mark.parametrize(
    ("text", "policies", "claims"),
    [
        ("P20260001", "P20260001", ""),
        ("保单 p2026 0001 到期", "P20260001", ""),
        ("CL2026000101", "", "CL2026000101"),
        ("报案号cl 2026000101", "", "CL2026000101"),
        ("PDAA202633010000012345", "PDAA202633010000012345", ""),
        ("保单号：10512003901234567890", "10512003901234567890", ""),
        ("报案号是RDAA202633010000", "", "RDAA202633010000"),
        ("保单号CL2026000101", "", "CL2026000101"),
        ("P2026000", "", ""),
        ("P202600011", "", ""),
        ("京A12345", "", ""),
    ],
)
def test_policy_and_claim_numbers(text: str, policies: str, claims: str) -> None:
    assert " ".join(found.value for found in find_policy_nos(text)) == policies
    assert " ".join(found.value for found in find_claim_nos(text)) == claims
