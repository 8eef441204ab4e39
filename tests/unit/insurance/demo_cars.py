"""The cars of the demo seed that the rules are held against; dates are offsets from TODAY."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from chebao.insurance.vehicles import Car

TODAY = date(2026, 11, 22)


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


COROLLA = Car(Decimal(129800), day(-1440), litres=Decimal("1.8"))
MODEL_3 = Car(Decimal(259900), day(-565), energy="electric")
LEVIN = Car(Decimal(139800), day(-1093), energy="hybrid", litres=Decimal("1.8"))
CRV = Car(Decimal(189800), day(-2240), litres=Decimal("1.5"))
WULING = Car(Decimal(56800), day(-1925), seats=7, litres=Decimal("1.5"))
LAVIDA = Car(Decimal(119800), day(-2700), litres=Decimal("1.6"))
