"""Cutting texts that are longer than a platform takes; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import regex


def pieces(text: str, limit: int, size: Callable[[str], int]) -> list[str]:
    """The text cut into pieces of at most `limit`, between lines where possible, never inside a character.

    Args:
        size: how the platform counts.
    """
    cut: list[str] = []
    current, filled = "", 0
    for unit in _units(text, limit, size):
        length = size(unit)
        if filled + length > limit:
            cut.append(current)
            current, filled = "", 0
        current, filled = current + unit, filled + length
    return [piece.strip("\n") for piece in [*cut, current] if piece.strip()]


def utf16_units(text: str) -> int:
    """How Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _units(text: str, limit: int, size: Callable[[str], int]) -> Iterable[str]:
    """Lines, and characters of lines that are too long; a pile of combining marks larger than a piece is cut where it may be."""
    for line in text.splitlines(keepends=True):
        if size(line) <= limit:
            yield line
            continue
        for grapheme in regex.findall(r"\X", line):
            yield from [grapheme] if size(grapheme) <= limit else grapheme
