"""Which replies are shown, and what the turn wants changed."""

from __future__ import annotations

from chebao.conversations import effects
from chebao.conversations.types import Reply


def test_a_reply_of_effects_only_is_not_shown() -> None:
    handoff = {"handoff": {"reason": "injury"}}
    shown, found = effects.split([Reply(text="好"), Reply(custom={"effects": [handoff]})])
    assert shown == [Reply(text="好")] and found == [handoff] and effects.hands_off(found)


def test_a_card_beside_effects_is_shown_without_them() -> None:
    card = {"type": "payment"}
    shown, found = effects.split([Reply(text="请支付", custom={"card": card, "effects": [{"verified": {}}, "junk"]})])
    assert shown == [Reply(text="请支付", custom={"card": card})] and found == [{"verified": {}}]


def test_replies_without_effects_stay_as_they_are() -> None:
    replies = [Reply(image="https://x/y.png"), Reply(buttons=[{"title": "是", "payload": "/affirm"}])]
    assert effects.split(replies) == (replies, [])
