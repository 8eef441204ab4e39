"""How each channel draws the replies of the three dialogues is on paper; a change shows there. ``make golden`` draws anew."""

from __future__ import annotations

import re
from datetime import date

from tests.golden import render


def test_every_reply_looks_on_each_channel_as_it_is_written_down() -> None:
    assert render.draw(render.read()) == (render.HERE / "channels.md").read_text(encoding="utf-8")


def test_each_dialogue_is_there_to_its_end() -> None:
    dialogues = render.read()
    said = {name: "".join(r.get("text", "") for t in turns for r in t["replies"]) for name, turns in dialogues.items()}
    assert "报案号" in said["报案"]
    for bought in (said["续保"], said["投保"]):
        assert "/cashier/" in bought and "已收到您的付款" in bought
        assert "交强险保单号：P" in bought and "商业险保单号：P" in bought
    assert "会连同电子保单发到" in said["续保"]
    for news in ("正在安排查勘", "还需要补充材料", "定损已完成", "赔付方案已达成一致", "赔款已支付"):
        assert news in said["报案"]


def test_the_recording_holds_nothing_of_the_moment_or_the_machine() -> None:
    said = (render.HERE / "dialogues.json").read_text(encoding="utf-8")
    assert "127.0.0.1" not in said and "/cashier/TOKEN" in said
    assert not re.search(r"\d[T ]\d\d:\d\d:(?!00)", said)


def test_days_keep_their_distance_from_the_day_of_the_recording() -> None:
    told = {
        "text": "2027年1月3日 0:00 起保，2027-01-04 前有效，1月2日 00:36 出险",
        "custom": {"at": "2027-01-02T09:08:07+08:00"},
    }
    [turn] = render.settled({"续保": [{"customer": "x", "replies": [told]}]}, date(2027, 1, 2))["续保"]
    assert turn["replies"] == [
        {
            "text": "2026年11月23日 0:00 起保，2026-11-24 前有效，11月22日 12:00 出险",
            "custom": {"at": "2026-11-22T12:00:00+08:00"},
        }
    ]
