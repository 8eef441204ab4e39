"""What every text finder returns, and the folding they share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """One entity in a customer's message.

    `value` is normalised; `start` and `end` index the original text, so ``text[start:end]`` is what the customer wrote.
    """

    entity: str
    value: str
    start: int
    end: int


def _folding() -> dict[int, int]:
    table = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    table[0x3000] = 0x20
    table[0xA0] = 0x20
    for lower in range(ord("a"), ord("z") + 1):
        table[lower] = lower - 32
        table[lower + 0xFEE0] = lower - 32
    return table


_FOLD = _folding()


def fold(text: str) -> str:
    """Full-width to half-width and ASCII letters to upper case; keeps the length, so positions stay those of `text`."""
    return text.translate(_FOLD)


class Taken:
    """Marks the parts of a text that are spoken for, so that a later find cannot overlap an earlier one."""

    def __init__(self, length: int) -> None:
        self._mask = bytearray(length)

    def free(self, start: int, end: int) -> bool:
        return 1 not in self._mask[start:end]

    def take(self, start: int, end: int) -> None:
        self._mask[start:end] = b"\x01" * (end - start)
