"""Every reply of the three dialogues on each channel, and the news that follow: ``make golden`` records them from the running stack and draws them.

`dialogues.json` holds the replies as the hub shows them, `channels.md` how each channel draws them. The test draws again and compares,
so that a change of a channel's looks shows in a review.
"""

from __future__ import annotations

import json
import re
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from channels.parts import Choice, Part, parts_of
from channels.telegram import bubbles as telegram
from channels.wechat import bubbles as wechat
from chebao.insurance.dates import SHANGHAI
from chebao.settings import ROOT
from tests.e2e.door import Customer, call
from tests.e2e.journeys import JOURNEYS, Step
from tests.running import running_stack

HERE = ROOT / "tests" / "golden"
Turns = list[dict[str, Any]]


_CLAIM_STEPS: tuple[dict[str, Any], ...] = (
    {"status": "surveying"},
    {"status": "documents_missing", "missing": ["行驶证照片", "修车发票"]},
    {"status": "loss_assessed", "assessed_amount": "2600.00"},
    {"status": "agreed"},
    {"status": "paid"},
)
_DAY = datetime(2026, 11, 22, tzinfo=SHANGHAI).date()
"""The day on which the recording plays, whenever it is made."""

_SHORT_DAY = re.compile(r"(?<![年\d])(\d{1,2})月(\d{1,2})日( \d{2}:\d{2})?")


def record(url: str) -> dict[str, Turns]:
    """The three dialogues at the open door, each step and the replies to it, and what comes by itself afterwards."""
    return {name: _journey(Customer(url), name, steps) for name, steps in JOURNEYS.items()}


def _journey(customer: Customer, name: str, steps: tuple[Step, ...]) -> Turns:
    turns = [_turn(customer, step) for step in steps]
    if name == "报案":
        return turns + _claim_goes_on(customer)
    turns.append(_paid(customer))
    return turns + (_documents(customer) if name == "续保" else [])


def _claim_goes_on(customer: Customer) -> Turns:
    """The news of the claim, from the survey to the payment."""
    found = re.search(r"报案号：(\w+)", customer.text())
    assert found
    turns = []
    for step in _CLAIM_STEPS:
        customer.passed()
        call(customer.url, f"/claims/{found[1]}/status", step)
        turns.append({"happens": f"案件状态：{step['status']}", "replies": _kept(customer.told(found[1]))})
    return turns


def _paid(customer: Customer) -> dict[str, Any]:
    """The notices of a payment made on the cashier's page."""
    links = re.findall(r"https?://\S+/cashier/[\w-]+", customer.text())
    customer.passed()
    assert "已支付" in httpx.post(links[-1], follow_redirects=True).text
    return {"happens": "客户在收银台付了款", "replies": _kept(customer.told("保单号："))}


def _documents(customer: Customer) -> Turns:
    """Invoice and policy by mail, for the policy just issued."""
    number = re.findall(r"交强险保单号：(\w+)", customer.text())[-1]
    said = (("say", "把发票和电子保单发给我"), ("say", number), ("say", "个人"), ("say", "wang@example.com"))
    return [_turn(customer, step) for step in (*said, ("press", "确认提交"))]


def _turn(customer: Customer, step: Step) -> dict[str, Any]:
    # the title itself first: "不同意" holds "同意"
    offered = [b for r in customer.heard for b in r.get("buttons") or ()]
    found = [b for b in offered if b["title"] == step[-1]] or [b for b in offered if step[-1] in b["title"]]
    replies = customer.say(found[-1]["payload"] if step[0] == "press" else step[-1])
    return {"customer": step[-1], "replies": _kept(replies)}


def _kept(replies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: r[k] for k in ("text", "buttons", "image", "custom") if r.get(k)} for r in replies]


def settled(dialogues: dict[str, Turns], today: date) -> dict[str, Turns]:
    """The recording with nothing in it of the moment and the machine: tokens, addresses, days and times of the day."""
    steady = {
        name: [{**t, "replies": [_steady(n, r) for n, r in enumerate(t["replies"])]} for t in turns]
        for name, turns in dialogues.items()
    }
    text = re.sub(r"http://127\.0\.0\.1:\d+", "https://chebao.example", json.dumps(steady, ensure_ascii=False))
    text = re.sub(r"/cashier/[\w-]+", "/cashier/TOKEN", text)
    text = re.sub(r"(?<=\dT)(?!00:00:00)\d\d:\d\d:\d\d(\.\d+)?", "12:00:00", text)
    text = re.sub(r"(\d{4})([-年])(\d{1,2})([-月])(\d{1,2})(?!\d)", lambda found: _moved(found, _DAY - today), text)
    text = _SHORT_DAY.sub(lambda found: _moved_short(found, today), text)
    told: dict[str, Turns] = json.loads(text)
    return told


def _moved(found: re.Match[str], by: timedelta) -> str:
    """A day as far from the recording's day as it was from today, written as it was."""
    day = date(int(found[1]), int(found[3]), int(found[5])) + by
    month, number = (f"{day:%m}", f"{day:%d}") if found[2] == "-" else (str(day.month), str(day.day))
    return f"{day.year}{found[2]}{month}{found[4]}{number}"


def _moved_short(found: re.Match[str], today: date) -> str:
    """The same of a day without its year, where nothing is far off; a time of the day beside it is noon."""
    day = date(today.year, int(found[1]), int(found[2])) + (_DAY - today)
    return f"{day.month}月{day.day}日" + (" 12:00" if found[3] else "")


def draw(dialogues: dict[str, Turns]) -> str:
    """All channels' renderings, as Markdown."""
    lines = [
        "# Every reply of the three dialogues on each channel",
        "",
        "Made by `make golden`; not edited by hand.",
        "",
    ]
    for name, turns in dialogues.items():
        lines += [f"## {name}", ""]
        for turn in turns:
            lines += [f"### {turn['customer'] if 'customer' in turn else f'（{turn["happens"]}）'}", ""]
            messages = [(n, parts_of(_steady(n, reply))) for n, reply in enumerate(turn["replies"])]
            for channel, drawing in (
                ("web", _web(turn["replies"])),
                ("wechat", _wechat(messages)),
                ("telegram", _telegram(messages)),
            ):
                lines += [f"{channel}:", "", "```", *drawing, "```", ""]
    return "\n".join(lines)


def _steady(number: int, reply: dict[str, Any]) -> dict[str, Any]:
    """The reply with tokens that do not change from run to run."""
    places = iter(range(100))
    text = re.sub(r'"~[0-9a-z]+\.\d+\.[\w-]{16}"', lambda _: f'"~{number}.{next(places)}"', json.dumps(reply))
    steady: dict[str, Any] = json.loads(text)
    return steady


def _web(replies: list[dict[str, Any]]) -> list[str]:
    lines = []
    for reply in replies:
        card = (reply.get("custom") or {}).get("card")
        lines += [*reply.get("text", "").splitlines(), *([f"［卡片 {card['type']}］"] if card else [])]
        lines += ["".join(f"［{b['title']}］" for b in reply.get("buttons") or ())] if reply.get("buttons") else []
        lines.append("――")
    return lines


def _wechat(messages: list[tuple[int, list[Part]]]) -> list[str]:
    lines = []
    for bubble in wechat.plan(messages):
        if isinstance(bubble, wechat.Words):
            lines += [*bubble.text.splitlines(), *_titles(bubble.choices)]
        else:
            lines.append(f"［图片 {bubble.url or bubble.upload_id}］")
        lines.append("――")
    return lines


def _titles(choices: tuple[Choice, ...]) -> list[str]:
    return ["".join(f"［{c.title}］" for c in choices)] if choices else []


def _telegram(messages: list[tuple[int, list[Part]]]) -> list[str]:
    lines = []
    for bubble in telegram.render(messages):
        lines += bubble.html.splitlines()
        for mark, keys in (("［{}］", bubble.keys), ("⌨{} ", bubble.keyboard)):
            lines += ["".join(mark.format(key.title) for key in keys)] if keys else []
        lines.append("――")
    return lines


def read() -> dict[str, Turns]:
    """The recorded replies."""
    dialogues: dict[str, Turns] = json.loads((HERE / "dialogues.json").read_text(encoding="utf-8"))
    return dialogues


def main() -> None:
    """Records and draws anew."""
    with tempfile.TemporaryDirectory(prefix="chebao-golden-") as folder, running_stack(Path(folder) / "data") as stack:
        dialogues = record(stack.url)
    steady = settled(dialogues, datetime.now(SHANGHAI).date())
    (HERE / "dialogues.json").write_text(json.dumps(steady, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (HERE / "channels.md").write_text(draw(steady), encoding="utf-8")


if __name__ == "__main__":
    main()
