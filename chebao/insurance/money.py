"""Money is Decimal yuan, rounded half up to the fen; binary floats are refused at the door."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

FEN = Decimal("0.01")
ZERO = Decimal("0.00")


def yuan(value: Decimal | int | str) -> Decimal:
    """Exact amount to the fen.

    Raises:
        TypeError: for a float or bool, which are never money here.
    """
    if isinstance(value, (bool, float)):
        raise TypeError("money must be Decimal, int or str")
    return Decimal(value).quantize(FEN, rounding=ROUND_HALF_UP)


def show(value: Decimal) -> str:
    """`1234.5` → `1,234.50`."""
    return f"{yuan(value):,.2f}"


def show_sum(value: Decimal) -> str:
    """A sum insured as customers say it: `2000000` → `200万元`, `101763` → `101,763元`."""
    if value >= 10000 and value % 10000 == 0:
        return f"{int(value // 10000)}万元"
    return f"{value:,.0f}元"
