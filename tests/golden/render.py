"""Every reply of the three dialogues on each channel: ``make golden`` records them from the running stack and draws them.

`dialogues.json` holds the replies as the hub shows them, `channels.md` how each channel draws them. The test draws again and compares,
so that a change of a channel's looks shows in a review.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from channels.parts import Choice, Part, parts_of
from channels.telegram import bubbles as telegram
from channels.wechat import bubbles as wechat
from chebao.settings import ROOT
from tests.e2e.door import Customer
from tests.e2e.journeys import JOURNEYS, Step
from tests.running import running_stack

HERE = ROOT / "tests" / "golden"
Turns = list[dict[str, Any]]


def record(url: str) -> dict[str, Turns]:
    """The three dialogues at the open door: each step and the replies to it."""
    return {
        name: [_turn(customer, step) for step in steps]
        for name, steps in JOURNEYS.items()
        for customer in [Customer(url)]
    }


def _turn(customer: Customer, step: Step) -> dict[str, Any]:
    # the title itself first: "不同意" holds "同意"
    offered = [b for r in customer.heard for b in r.get("buttons") or ()]
    found = [b for b in offered if b["title"] == step[-1]] or [b for b in offered if step[-1] in b["title"]]
    replies = customer.say(found[-1]["payload"] if step[0] == "press" else step[-1])
    kept = ("text", "buttons", "image", "custom")
    return {"customer": step[-1], "replies": [{k: r[k] for k in kept if r.get(k)} for r in replies]}


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
            lines += [f"### {turn['customer']}", ""]
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
    steady = {
        name: [{**t, "replies": [_steady(n, r) for n, r in enumerate(t["replies"])]} for t in turns]
        for name, turns in dialogues.items()
    }
    (HERE / "dialogues.json").write_text(json.dumps(steady, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (HERE / "channels.md").write_text(draw(steady), encoding="utf-8")


if __name__ == "__main__":
    main()
