"""How personal data are shown to customers: enough to recognise, not enough to use."""

from __future__ import annotations

import re


def mask_phone(phone: str) -> str:
    """`13812345678` → `138****5678`."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 7 else "*" * len(phone)


def mask_id_card(id_card: str) -> str:
    """`110101198503070013` → `1101**********0013`."""
    return f"{id_card[:4]}{'*' * (len(id_card) - 8)}{id_card[-4:]}" if len(id_card) > 8 else "*" * len(id_card)


def mask_name(name: str) -> str:
    """`张志强` → `张*`."""
    return f"{name[:1]}*" if name else ""


def mask_bank(number: str) -> str:
    """`6222021234561234` → `**** 1234`."""
    digits = re.sub(r"\D", "", number)
    return f"**** {digits[-4:]}" if len(digits) >= 8 else "****"


def mask_plate(plate: str) -> str:
    """`京A12345` → `京A***45`."""
    return f"{plate[:2]}{'*' * (len(plate) - 4)}{plate[-2:]}" if len(plate) > 4 else "*" * len(plate)


_ID_CARD = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{16}[0-9Xx](?![0-9A-Za-z])")
_BANK = re.compile(r"(?<!\d)[3-6]\d{3}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,3})?(?!\d)")
_PHONE = re.compile(r"(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)")


def mask_text(text: str) -> str:
    """Free text with id cards, bank cards and mobile numbers masked; the rest stays as it is."""
    text = _ID_CARD.sub(lambda match: mask_id_card(match.group()), text)
    text = _BANK.sub(lambda match: mask_bank(match.group()), text)
    return _PHONE.sub(lambda match: mask_phone(re.sub(r"\D", "", match.group())), text)
