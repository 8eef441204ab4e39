"""A customer who asks to hear it again hears it again, in a dialogue and outside."""

from __future__ import annotations

import uuid

import httpx
import pytest

from tests.running import RunningStack


@pytest.mark.parametrize("before", ["不是", "你好", "交强险赔多少钱？", "我要报案"])
def test_the_last_answer_is_said_again(stack: RunningStack, before: str) -> None:
    sender = f"again-{uuid.uuid4().hex}"

    def say(text: str) -> list[tuple[str, list[str]]]:
        answer = httpx.post(
            f"{stack.url}/webhooks/rest/webhook",
            json={"sender": sender, "message": text},
            headers={"Authorization": "Bearer demo"},
            timeout=30,
        )
        return [(b["text"], [button["title"] for button in b.get("buttons") or []]) for b in answer.json()]

    said = say(before)[1:]  # after the privacy notice
    assert said
    assert say("你再说一遍") == said
    assert say("没听清，再说一遍") == said
