"""The three dialogues through WeChat on the whole stack: pushes in, passive replies and calls out, pressed and typed."""

from __future__ import annotations

import re
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from tests.dialogue.player import Reply, Said, Stack, play_through
from tests.running import RunningStack

_SCENARIOS = Path(__file__).parent / "scenarios"
_LINK = re.compile(r'(?:\d+\. )?<a href="([^"]*)">([^<]*)</a>')
_QUIET = 0.6


def scenario(file: str, name: str) -> dict[str, Any]:
    documents = yaml.safe_load_all((_SCENARIOS / f"{file}.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = next(d for d in documents if d and d["scenario"] == name)
    return found


class WeChatPhone(Stack):
    """A phone on the fake platform."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url, "demo")
        url = urlsplit(base_url)
        assert url.port
        self._phone = httpx.Client(base_url=f"http://127.0.0.1:{url.port + 100}/phone", timeout=30)
        self._openid = f"o{uuid.uuid4().hex}"
        self._items: dict[str, dict[str, str]] = {}
        self._read = 0

    def close(self) -> None:
        self._phone.close()
        super().close()

    def say(self, said: Said) -> list[Reply]:
        text = said if isinstance(said, str) else str(said["text"])
        if text in self._items:
            self._phone.post(f"/{self._openid}/press", json=self._items[text])
        else:
            self._phone.post(f"/{self._openid}/say", json={"text": text})
        return self._heard()

    def scan(self, scene: str) -> list[Reply]:
        self._phone.post(f"/{self._openid}/scan", json={"scene": scene})
        return self._heard()

    def follow(self) -> list[Reply]:
        self._phone.post(f"/{self._openid}/follow", json={})
        return self._heard()

    def _heard(self) -> list[Reply]:
        """What came until nothing more comes."""
        found: list[Reply] = []
        until, quiet = time.monotonic() + 20, time.monotonic() + _QUIET
        while time.monotonic() < until and (time.monotonic() < quiet or not found):
            new = self._phone.get(f"/{self._openid}", params={"after": self._read}).json()["seen"]
            self._read += len(new)
            replies = [self._reply(m) for m in new if m["from"] != "customer"]
            if replies:
                found += replies
                quiet = time.monotonic() + _QUIET
            time.sleep(0.05)
        return found

    def _reply(self, message: dict[str, Any]) -> Reply:
        items = list(message.get("items", []))
        for address, title in _LINK.findall(message["text"]):
            query = parse_qs(urlsplit(address).query)
            if "msgmenuid" in query:
                items.append({"id": query["msgmenuid"][0], "content": title})
        self._items |= {item["id"]: item for item in items}
        words = _LINK.sub(lambda m: "" if m[1].startswith("weixin:") else f"{m[2]}：{m[1]}", message["text"])
        return {"text": words, "buttons": [{"title": i["content"], "payload": i["id"]} for i in items]}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("file", "name"), [("renewal", "wang_by_phone"), ("claim", "rear_ended_at_a_light"), ("new_policy", "unknown_plate_is_declared")]
)  # fmt: skip
def test_a_dialogue_reaches_its_goal_through_wechat(stack: RunningStack, file: str, name: str) -> None:
    outcome = play_through(WeChatPhone(stack.url), scenario(file, name))
    assert not outcome.problems, "\n".join([*outcome.problems, *outcome.transcript])


def test_a_renewal_letters_code_renews_its_policy_after_identification(stack: RunningStack) -> None:
    phone = WeChatPhone(stack.url)
    heard = "\n".join(r["text"] for r in phone.scan("renew_P20260001"))
    assert "手机号" in heard and "京A12345" not in heard
    phone.say("13800000001")
    heard = "\n".join(r["text"] for r in phone.say("246810"))
    assert "查到 京A12345 的保单" in heard
    phone.close()


def test_a_new_follower_is_greeted_and_can_press_at_once(stack: RunningStack) -> None:
    phone = WeChatPhone(stack.url)
    (welcome,) = phone.follow()
    assert "欢迎关注" in welcome["text"]
    claim = next(b for b in welcome["buttons"] if "报案" in b["title"])
    assert "受伤" in "\n".join(r["text"] for r in phone.say(claim["payload"]))
    phone.close()
