"""Customers' words without the customer: identifying entities are replaced by stand-ins of the same shape."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from chebao.insurance.entities import find_all
from chebao.insurance.masking import mask_text
from chebao.insurance.plate import is_nev

_STAND_INS: Final = {
    "phone": "13800000000",
    "id_card": "110101199001010015",
    "vin": "LSVAA4182E2184847",
    "policy_no": "P00000000",
    "claim_no": "CL0000000000",
    "person_name": "张三",
}


def anonymous(text: str, now: datetime) -> str:
    """`text` with plates, numbers and names replaced, so that it still reads like what a customer writes."""
    pieces, end = [], 0
    for found in find_all(text, now):
        stand_in = _STAND_INS.get(found.entity)
        if found.entity == "plate":
            stand_in = "京AD12345" if is_nev(found.value) else "京A12345"
        if stand_in is not None:
            pieces += [mask_text(text[end : found.start]), stand_in]
            end = found.end
    return "".join([*pieces, mask_text(text[end:])])
