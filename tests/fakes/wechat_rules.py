"""What WeChat counts, takes and refuses, by its documentation; and one customer's side of it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

WINDOWS = {"message": (5, 48 * 3600), "click": (3, 60), "subscribe": (3, 60), "scan": (3, 60)}
"""What opens a window → how many messages of ours, within how many seconds."""

ONCE, _LASTING = 2, 3

TEMPLATES = [
    {
        "priTmplId": "sub-once",
        "title": "业务进度",
        "content": "事项:{{thing3.DATA}}\n时间:{{time5.DATA}}\n",
        "type": ONCE,
    },
    {
        "priTmplId": "sub-lasting",
        "title": "服务提醒",
        "content": "提醒:{{thing1.DATA}}\n说明:{{thing4.DATA}}\n日期:{{date2.DATA}}\n",
        "type": _LASTING,
    },
]

MESSAGE_TEMPLATES = [
    {
        "template_id": "tpl-1",
        "title": "办理进度通知",
        "content": "业务:{{thing4.DATA}}\n单号:{{character_string2.DATA}}\n时间:{{time9.DATA}}\n",
    },
    {
        "template_id": "tpl-2",
        "title": "理赔进度提醒",
        "content": "类型:{{const1.DATA}}\n进度:{{thing2.DATA}}\n状态:{{phrase3.DATA}}\n更新:{{date4.DATA}}\n",
    },
]


@dataclass
class Phone:
    """One customer's side: what he sees, and what WeChat counts for him."""

    openid: str
    follows: bool = True
    seen: list[dict[str, Any]] = field(default_factory=list)
    windows: dict[str, tuple[float, int]] = field(default_factory=dict)
    last_at: float = -1e9
    typing_until: float = -1e9
    consents: Counter[str] = field(default_factory=Counter)

    def texts(self) -> list[str]:
        """The words of what our side sent, with the titles of what can be pressed."""
        return [
            "\n".join([m.get("text", ""), *(i["content"] for i in m.get("items", []))]).strip()
            for m in self.seen
            if m["from"] == "account"
        ]


def xml(fields: dict[str, Any]) -> str:
    """A document in WeChat's way: numbers bare, texts in CDATA, in pieces where they hold its end, rows as ``<List>``."""

    def value(name: str, content: Any) -> str:
        if isinstance(content, list):
            return "".join(f"<List>{inside(row)}</List>" for row in content)
        if name in ("CreateTime", "MsgId", "Location_X", "Location_Y", "Scale"):
            return escape(content)
        return "<![CDATA[" + content.replace("]]>", "]]]]><![CDATA[>") + "]]>"

    def inside(row: dict[str, Any]) -> str:
        return "".join(f"<{name}>{value(name, content)}</{name}>" for name, content in row.items())

    return f"<xml>{inside(fields)}</xml>"


_TAKEN = {
    "thing": r"[^\x00-\x1f]{1,20}",
    "const": r"[^\x00-\x1f]{1,20}",
    "character_string": r"[!-~]{1,32}",
    "phrase": r"[\u4e00-\u9fff]{1,5}",
    "time": r"(\d{4}年\d{1,2}月\d{1,2}日 |\d{4}-\d{2}-\d{2} )?\d{1,2}:\d{2}(:\d{2})?",
    "date": r"(\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d{2}-\d{2})( \d{1,2}:\d{2})?",
    "number": r"[\d.]{1,32}",
    "letter": r"[A-Za-z]{1,32}",
    "amount": r"[¥￥$]?\d{1,10}(\.\d+)?元?",
    "phone_number": r"[\d+-]{1,17}",
    "car_number": r"[\u4e00-\u9fff]?[A-Z0-9]{1,7}[\u4e00-\u9fff]?",
    "name": r"[\u4e00-\u9fff·]{1,10}|[A-Za-z ]{1,20}",
}
"""What WeChat takes for a field of each kind (订阅消息参数值内容限制说明)."""


def fits(content: str, data: dict[str, Any]) -> bool:
    """Whether WeChat takes these values for a template: all its fields and no others, each as its kind wants it."""
    values = {name: str(given.get("value", "")) for name, given in data.items()}
    names = set(re.findall(r"\{\{(\w+)\.DATA\}\}", content))
    return set(values) == names and all(
        re.fullmatch(_TAKEN.get(name.rstrip("0123456789"), ".{1,200}"), value) for name, value in values.items()
    )
