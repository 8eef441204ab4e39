"""Search in the catalogue of car models (reference prices, no price list)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from chebao.backoffice.reference.work import Row
from chebao.insurance import cars

FOUND_AT_MOST = 20


@dataclass(frozen=True)
class Listed:
    """One catalogue entry under its full name."""

    model: str
    price: Decimal
    seats: int
    energy: str


def best_model(words: str) -> Listed | None:
    """The entry that the words name, or None."""
    found = cars.lookup(words)
    return _listed(found) if found else None


def search(words: str) -> list[Row]:
    """Entries that fit the words, best first."""
    asked = words.strip().upper()
    if not asked:
        return []
    best = cars.lookup(words)
    rest = [model for model in cars.MODELS if model is not best and _fits(model, asked)]
    found = [_listed(model) for model in ([best] if best else []) + rest]
    return [vars(entry) for entry in found[:FOUND_AT_MOST]]


def _listed(model: cars.CarModel) -> Listed:
    return Listed(f"{model.brand}{model.series}", model.price, model.seats, model.energy)


def _fits(model: cars.CarModel, asked: str) -> bool:
    names = [f"{model.brand}{model.series}", *model.aliases]
    return any(asked in name.upper() for name in names) or model.brand.upper() in asked
