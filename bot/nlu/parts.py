"""The parts of a message that asks for several things ("我要报案，顺便问下续保多少钱")."""

from __future__ import annotations

import re

from bot.nlu.text import plain

_JOINT = re.compile(
    r"[,，。;；!！?？ ]*(?:顺便|顺带|另外|对了|还有就是|还有个事|还有|再就是|再帮我|同时|然后|完了再|也想|也要|还想|还要)"
)
_SHORTEST = 3


def parts_of(text: str) -> list[str]:
    """The text cut before words that begin another wish; one part where there is none."""
    prepared = plain(text)
    starts = [match.end() for match in _JOINT.finditer(prepared)]
    ends = [match.start() for match in _JOINT.finditer(prepared)]
    parts = [prepared[a:b] for a, b in zip([0, *starts], [*ends, len(prepared)], strict=True)]
    return [part for part in parts if len(part.strip(" ,，。")) >= _SHORTEST]
