"""One customer in two channels: a claim begun on the web page is continued and submitted at the open door, once."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.running import RunningStack

_PHONE, _CODE = "13800000001", "246810"
_OPENING = "我的车昨天下午三点在北京市海淀区中关村大街追尾了前车，没有人受伤"


class Web:
    """The customer at the chat page."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._count = 0

    def say(self, text: str, until: str) -> str:
        """Sends words; the answer up to the bubble in which `until` is found."""
        self._count += 1
        self._socket.send(json.dumps({"type": "message", "id": f"w{self._count}", "text": text}))
        told: list[str] = []
        while not (told and re.search(until, told[-1])):
            frame = json.loads(self._socket.recv(timeout=30))
            if frame["type"] == "message" and frame["from"] != "customer":
                told.append(frame["text"])
        return "\n".join(told)


class Door:
    """The same customer behind another channel's back end."""

    def __init__(self, http: httpx.Client) -> None:
        self.http, self.sender = http, f"channels-{uuid.uuid4().hex}"
        self.buttons: dict[str, str] = {}

    def say(self, text: str) -> str:
        answer = self.http.post("/webhooks/rest/webhook", json={"sender": self.sender, "message": text})
        replies: list[dict[str, Any]] = answer.raise_for_status().json()
        self.buttons = {b["title"]: b["payload"] for r in replies for b in r.get("buttons") or ()}
        return "\n".join(r.get("text") or "" for r in replies)

    def press(self, title: str) -> str:
        return self.say(self.buttons[title])


@pytest.fixture
def door(stack: RunningStack) -> Iterator[Door]:
    with httpx.Client(base_url=stack.url, headers={"Authorization": "Bearer demo"}, timeout=30) as http:
        http.post("/backoffice/v1/demo/reset", json={}).raise_for_status()
        yield Door(http)


@pytest.fixture
def web(stack: RunningStack, door: Door) -> Iterator[Web]:
    token = door.http.post("/api/web/sessions", json={}).json()["token"]
    with connect(stack.url.replace("http", "ws") + "/api/web/socket") as socket:
        socket.send(json.dumps({"type": "hello", "token": token, "after": 0}))
        yield Web(socket)


def _claims(door: Door) -> list[dict[str, Any]]:
    rows = door.http.get("/backoffice/v1/claims", params={"plate": "京A12345"}).json()["items"]
    return [row for row in rows if "中关村" in str(row.get("place") or row)]


def _kept_on_the_web(web: Web) -> None:
    """A claim half filled in on the page, kept for another channel by proof of the phone."""
    web.say(_OPENING, "同意吗")
    web.say("同意", "报警")
    web.say("已经报警", "车牌")
    web.say("京A12345", "[？?]")
    web.say("我换到微信接着填", "手机号")
    web.say(_PHONE, "验证码")
    assert "存好了" in web.say(_CODE, "[？?]$")


def test_a_claim_begun_on_the_web_is_continued_elsewhere_and_submitted_once(web: Web, door: Door) -> None:
    _kept_on_the_web(web)
    assert "手机号" in door.say("接着上次的报案")
    door.say(_PHONE)
    offer = door.say(_CODE)
    assert re.search("您在网页上的事故报案还没填完（车牌 京A12345，地点 .*中关村.*要接着填吗？$", offer), offer
    assert list(door.buttons) == ["接着填", "先不用"]
    going_on = door.press("接着填")
    assert "接上了" in going_on and "中关村" in going_on and going_on.count("？") == 1
    for answer in ("两辆车，对方白色大众", "前保险杠", "还能开", "我自己开的，我姓王", "稍后上传"):
        told = door.say(answer)
    if "确认提交" not in told:
        told = door.say(_PHONE)
    assert "确认提交" in told
    assert "微信" not in web.say("还在吗", "不会重复提交")
    assert re.search("报案号", door.press("确认提交"))
    assert len(_claims(door)) == 1


def test_who_comes_for_something_else_is_not_led_away_and_a_stranger_finds_nothing(web: Web, door: Door) -> None:
    _kept_on_the_web(web)
    door.say("我要续保")
    door.say(_PHONE)
    assert "您选哪个方案？" in door.say(_CODE)
    stranger = Door(door.http)
    stranger.say("接着上次的报案")
    stranger.say("13900000077")
    told = stranger.say(_CODE)
    assert "没有查到" in told and "中关村" not in told


def test_whoever_logs_out_is_not_known_any_more(door: Door) -> None:
    door.say("查一下我的保单")
    door.say(_PHONE)
    assert "P2026" in door.say(_CODE)
    assert "重新验证" in door.say("退出登录")
    assert "手机号" in door.say("查一下我的保单")
