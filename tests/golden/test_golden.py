"""How each channel draws the replies of the three dialogues is on paper; a change shows there. ``make golden`` draws anew."""

from __future__ import annotations

from tests.golden import render


def test_every_reply_looks_on_each_channel_as_it_is_written_down() -> None:
    assert render.draw(render.read()) == (render.HERE / "channels.md").read_text(encoding="utf-8")


def test_each_dialogue_is_there_to_its_end() -> None:
    dialogues = render.read()
    said = {name: "".join(r.get("text", "") for t in turns for r in t["replies"]) for name, turns in dialogues.items()}
    assert "报案号" in said["报案"]
    assert "/cashier/" in said["续保"]
    assert "/cashier/" in said["投保"]
