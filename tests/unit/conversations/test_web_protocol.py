"""The web chat's protocol: frames, session tokens, file addresses, origins, rate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels.web import protocol
from chebao.errors import InputRefused

NOW = 1_800_000_000.0


def test_a_session_token_names_its_conversation_until_it_expires() -> None:
    sessions = protocol.Sessions("secret")
    token, conversation = sessions.issue(NOW)
    assert len(conversation) == 32 and sessions.read(token, NOW + 1) == conversation
    assert sessions.read(token, NOW + protocol.SESSION_SECONDS) is None
    assert protocol.Sessions("other").read(token, NOW) is None
    assert sessions.issue(NOW, conversation)[1] == conversation


@pytest.mark.parametrize("damage", ["", ".", "a.b", "é.é", "{}.x", "\ud83d.x"])
def test_damaged_tokens_are_none(damage: str) -> None:
    assert protocol.Sessions("secret").read(damage, NOW) is None


def test_a_file_address_opens_its_own_file_for_a_while() -> None:
    sessions = protocol.Sessions("secret")
    query = sessions.sign_file("/f/1", NOW).partition("?")[2]
    parts = dict(part.split("=") for part in query.split("&"))
    assert sessions.file_allowed("/f/1", parts["e"], parts["s"], NOW + 1)
    assert not sessions.file_allowed("/f/2", parts["e"], parts["s"], NOW + 1)
    assert not sessions.file_allowed("/f/1", parts["e"], parts["s"], NOW + protocol.FILE_SECONDS + 1)
    assert not sessions.file_allowed("/f/1", "x", parts["s"], NOW)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://chat.example:8000", True),
        ("https://partner.example", True),
        ("https://partner.example.evil", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_origins(origin: str | None, allowed: bool) -> None:
    assert protocol.origin_allowed(origin, "chat.example:8000", ["https://partner.example/"]) is allowed


def say(**body: Any) -> protocol.Frame:
    return protocol.parse(json.dumps({"type": "message", "id": "m1", **body}))


def test_frames_of_the_customer() -> None:
    assert say(text="你好") == protocol.Say("m1", "你好", None, ())
    assert say(button="~1.0.x") == protocol.Say("m1", "~1.0.x", None, ())
    spot = {"latitude": 39.9, "longitude": 116.4}
    assert say(location=spot) == protocol.Say("m1", "", spot | {"label": None}, ())
    assert say(attachments=["a"]) == protocol.Say("m1", "", None, ("a",))
    assert protocol.parse('{"type": "hello", "token": "t", "after": 3}') == protocol.Hello("t", 3)
    assert protocol.parse('{"type": "hello", "after": -1}') == protocol.Hello("", 0)
    assert protocol.parse('{"type": "ping"}') == protocol.Ping()
    assert protocol.parse('{"type": "typing"}') == protocol.Typing()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("{", "bad_frame"),
        ("3", "bad_frame"),
        ('{"type": "x"}', "bad_frame"),
        ('{"type": "message", "text": "a"}', "bad_frame"),
        ('{"type": "message", "id": "a b", "text": "a"}', "bad_frame"),
        ('{"type": "message", "id": "a", "text": {"a": 1}}', "bad_frame"),
        ('{"type": "message", "id": "a", "attachments": [1,2,3,4,5,6,7,8,9,10]}', "bad_frame"),
        ('{"type": "message", "id": "a", "location": {"latitude": 91, "longitude": 0}}', "bad_location"),
        ('{"type": "message", "id": "a", "location": {"latitude": NaN, "longitude": 0}}', "bad_location"),
        ('{"type": "message", "id": "a", "location": "here"}', "bad_location"),
        ("a" * (protocol.MAX_FRAME + 1), "frame_too_large"),
    ],
)
def test_frames_that_are_refused(raw: str, code: str) -> None:
    with pytest.raises(InputRefused) as refused:
        protocol.parse(raw)
    assert refused.value.code == code


def test_the_rate_allows_a_burst_and_then_a_steady_flow() -> None:
    rate = protocol.Rate(burst=3, per_second=1)
    assert [rate.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert rate.take(101.5) and not rate.take(101.6)


@pytest.mark.parametrize("files", [["a\x00"], [{}], ["../x"], "abc"])
def test_attachments_are_ids(files: Any) -> None:
    with pytest.raises(InputRefused):
        say(text="看图", attachments=files)


def test_places_that_are_none() -> None:
    huge = '{"type": "message", "id": "m1", "location": {"latitude": 1' + "0" * 400 + ', "longitude": 1}}'
    with pytest.raises(InputRefused):
        protocol.parse(huge)
    named = say(location={"latitude": 1, "longitude": 1, "label": "天安\x00门\ud83d"})
    assert isinstance(named, protocol.Say) and named.location and named.location["label"] == "天安门"


@pytest.mark.parametrize("origin", ["http://[", "https://[::1", "://"])
def test_malformed_origins_are_refused(origin: str) -> None:
    assert not protocol.origin_allowed(origin, "chat.example", [])
