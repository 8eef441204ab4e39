"""Where something is: a place in the customer's words or a shared position."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from actions.turn import Turn
from chebao.insurance import places

#: Words with which the address ends and the story goes on.
_ON: Final = re.compile(
    r"[，。,；;！!？?\s（(]|追尾|撞|刮|蹭|剐|碰|磕|怼|轧|被|和|跟|把|发生|停车|抛锚|出了|出的|爆胎|翻车|着火|起火|没油|没电|打不着|坏|动不|走不|等|这(里|边|儿)|了|的时候|时"
)
_CONNECTED: Final = re.compile(r"(路|街|道|桥|大道)(和|跟|与)[^，。]{1,10}(路|街|道|口)")


def shared_place(turn: Turn) -> str | None:
    """Label or coordinates of a position that came with the message."""
    if (where := turn.location) is None:
        return None
    datum = f"（{where['datum']}）" if where.get("datum") else ""
    return str(where.get("label") or f"{where['latitude']},{where['longitude']}{datum}")


def coordinates(where: Mapping[str, Any]) -> dict[str, Any]:
    """A shared position for the back office, with the datum where it is not WGS-84: WeChat's maps are shifted by 300 m or so."""
    shift = {"datum": where["datum"]} if where.get("datum") else {}
    return {"lat": where["latitude"], "lon": where["longitude"], **shift}


def place_in(text: str) -> str:
    """The longest place in the text, up to where the story goes on; "" where there is none."""
    best = ""
    for found in places.find_locations(text):
        tail = text[found.end :]
        stop = _ON.search(tail)
        more = tail[: stop.start()] if stop else tail
        grown = found.value + (more if len(more) <= 14 and not _CONNECTED.search(found.value) else "")
        best = max(best, grown, key=len)
    return best
