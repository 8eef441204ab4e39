"""Updates: only Telegram's, whatever is wrong with them one refusal, and commands in Chinese."""

from __future__ import annotations

import copy
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from channels.telegram import protocol
from channels.telegram.protocol import ALREADY_CHOSEN, Event, Ignored, Pressed, said_by_command
from chebao.errors import InputRefused

_CHAT = {"id": 5, "type": "private", "first_name": "客户"}
_SOMEONE = {"id": 5, "is_bot": False, "first_name": "客户"}
_MESSAGE = {"message_id": 7, "date": 1_795_000_000, "chat": _CHAT, "from": _SOMEONE}
_SIZE = {"file_id": "f", "file_unique_id": "u", "file_size": 10, "width": 9, "height": 6}
_UPDATES: list[dict[str, Any]] = [
    {"update_id": 1, "message": {**_MESSAGE, "text": "续保"}},
    {"update_id": 1, "message": {**_MESSAGE, "photo": [_SIZE], "caption": "左后门"}},
    {"update_id": 1, "message": {**_MESSAGE, "document": _SIZE}},
    {"update_id": 1, "message": {**_MESSAGE, "location": {"latitude": 30.1, "longitude": 120.2}}},
    {"update_id": 1, "message": {**_MESSAGE, "contact": {"phone_number": "+8613800000001", "first_name": "王", "user_id": 5}}},
    {"update_id": 1, "edited_message": {**_MESSAGE, "text": "改", "edit_date": 1_795_000_001}},
    {
        "update_id": 1,
        "callback_query": {
            "id": "q",
            "from": _SOMEONE,
            "message": {
                **_MESSAGE,
                "text": "选",
                "reply_markup": {"inline_keyboard": [[{"text": "甲", "callback_data": "~1.0.a"}]]},
            },
            "chat_instance": "1",
            "data": "~1.0.a",
        },
    },
]  # fmt: skip


def pressed(data: str, *, date: int = 1_795_000_000) -> object:
    """What a press under a message with two choices and a link means."""
    choices = [{"text": "甲", "callback_data": "~1.0.a"}, {"text": "乙", "callback_data": "~1.1.b"}]
    keys = {"inline_keyboard": [choices, [{"text": "去支付", "url": "https://chebao.example/pay"}]]}
    query = {
        "id": "q",
        "from": _SOMEONE,
        "message": {**_MESSAGE, "date": date, "text": "选", "reply_markup": keys},
        "chat_instance": "1",
        "data": data,
    }
    return protocol.parse(json.dumps({"update_id": 1, "callback_query": query}).encode()).what


def test_of_a_pressed_message_the_choice_stays_ticked_and_the_links_as_they_are() -> None:
    press = pressed("~1.1.b")
    assert isinstance(press, Pressed) and press.chosen
    assert (press.message_id, press.chosen.title) == (7, "✓ 乙")
    assert [(key.title, key.url) for key in press.links] == [("去支付", "https://chebao.example/pay")]
    assert pressed(press.chosen.token) == Ignored("q", ALREADY_CHOSEN), "the tick says what it is, and no more"
    assert pressed("~9.9.x") == Pressed("q", "~9.9.x", 7, None, press.links)
    assert pressed("~1.1.b", date=0) == Pressed("q", "~1.1.b"), "Telegram no longer tells what stood there"


def test_the_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    assert protocol.from_telegram("secret", "secret")
    for wrong in (None, "", "Secret", "secret ", "ß", "\udcff"):
        assert not protocol.from_telegram(wrong, "secret")
    assert len(compared) == 7, "no answer is given before it"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/start", "你好"),
        ("/start payload", "你好"),
        ("/help", "你能做什么"),
        ("/human@chebao_bot", "转人工"),
        ("/cancel", "算了"),
        ("/unknown", "/unknown"),
        ("我要 /cancel", "我要 /cancel"),
    ],
)
def test_commands_say_what_they_mean(text: str, said: str) -> None:
    assert said_by_command(text) == said


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def damaged(update: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The update with each of its values in turn missing or of another kind."""
    for path in places(update):
        for junk in (None, "", "x" * 5000, -1, 2**70, 1.5, [], {}, [{}], {"id": "x"}, True):
            broken: Any = copy.deepcopy({"root": update})
            inside = broken
            for key in ("root", *path)[:-1]:
                inside = inside[key]
            inside[("root", *path)[-1]] = junk
            yield broken["root"]


@pytest.mark.parametrize("update", _UPDATES, ids=lambda u: "-".join([*u][1:]))
def test_whatever_is_wrong_with_an_update_it_is_an_event_or_one_refusal(update: dict[str, Any]) -> None:
    assert isinstance(protocol.parse(json.dumps(update).encode()), Event)
    for broken in damaged(update):
        body = json.dumps(broken).encode()
        began = time.process_time()
        with suppress(InputRefused):
            assert isinstance(protocol.parse(body), Event)
        assert time.process_time() - began < 0.05


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"update_id": "1"}'])
def test_what_is_no_update_is_refused(body: bytes) -> None:
    with pytest.raises(InputRefused):
        protocol.parse(body)
