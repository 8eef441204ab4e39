"""The three dialogues, step by step, for whichever channel: what a customer says, presses or shares."""

from __future__ import annotations

from typing import Final

Step = tuple[str, ...]

JOURNEYS: Final[dict[str, tuple[Step, ...]]] = {
    "报案": (
        ("say", "刚才倒车撞到小区的石墩了，我要报案"),
        ("press", "没有人受伤"),
        ("press", "同意"),
        ("press", "还没报警"),
        ("say", "京A12345"),
        ("place", "39.9957", "116.4702", "北京市朝阳区望京西园四区东门"),
        ("say", "右后保险杠"),
        ("press", "还能开"),
        ("say", "我自己开的，我姓王"),
        ("press", "稍后上传"),
        ("phone", "13800000001"),
        ("press", "确认提交"),
    ),
    "续保": (
        ("say", "我的车险快到期了，想续保"),
        ("phone", "13800000001"),
        ("say", "246810"),
        ("press", "去年的方案"),
        ("press", "是我本人"),
        ("press", "都没有"),
        ("press", "可以"),
        ("press", "我已阅读并同意"),
        ("press", "确认续保"),
    ),
    "投保": (
        ("say", "想给我的车买份保险，看看多少钱"),
        ("press", "同意"),
        ("say", "苏E5K21Q"),
        ("say", "大众朗逸"),
        ("say", "2022年4月"),
        ("press", "家用"),
        ("say", "三者调到300万"),
        ("press", "您自选的方案"),
        ("press", "是我本人"),
        ("phone", "13700000123"),
        ("say", "246810"),
        ("say", "钱文博"),
        ("say", "320501199205173175"),
        ("press", "都没有"),
        ("press", "可以"),
        ("press", "我已阅读并同意"),
        ("press", "确认投保"),
    ),
}
