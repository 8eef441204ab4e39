"""The web chat's protocol, pure: session tokens, frames in, frames out, signed file addresses.

Client to server: ``hello`` · ``message`` · ``vote`` · ``typing`` · ``ping``. Server to client: ``welcome`` · ``ack`` · ``message`` ·
``owner`` · ``typing`` · ``error`` · ``pong``. An ``ack`` says that the message stands in the ledger, nothing less.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

from chebao.errors import InputRefused

MAX_FRAME = 256 * 1024
SESSION_SECONDS = 7 * 24 * 3600
FILE_SECONDS = 3600
_CLIENT_ID = re.compile(r"[\w.:-]{1,80}", re.ASCII)


@dataclass(frozen=True)
class Hello:
    """First frame: who, and from which number on."""

    token: str
    after: int


@dataclass(frozen=True)
class Say:
    """A message of the customer: words, a pressed button, a position, files."""

    id: str
    text: str
    location: dict[str, Any] | None
    attachments: tuple[str, ...]


@dataclass(frozen=True)
class Typing:
    """The customer is writing."""


@dataclass(frozen=True)
class Ping:
    """Keep-alive."""


@dataclass(frozen=True)
class Vote:
    """Whether the answer under a number helped."""

    seq: int
    helpful: bool


Frame = Hello | Say | Typing | Ping | Vote


class Sessions:
    """Signed tokens, each bound to one conversation, and signed addresses of its files."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"web-session:{secret}".encode()).digest()

    def issue(self, now: float, conversation: str | None = None) -> tuple[str, str]:
        """A token and its conversation; a new conversation where none is given."""
        conversation = conversation or secrets.token_hex(16)
        head = _encode(json.dumps({"c": conversation, "e": int(now) + SESSION_SECONDS}).encode())
        return f"{head}.{self._sign(head)}", conversation

    def read(self, token: str, now: float) -> str | None:
        """The token's conversation; None for a token that is forged, damaged or expired."""
        head, _, signature = token.partition(".")
        if not token.isascii() or not hmac.compare_digest(signature.encode(), self._sign(head).encode()):
            return None
        try:
            body = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        except (binascii.Error, ValueError):
            return None
        return str(body["c"]) if body["e"] > now else None

    def sign_file(self, path: str, now: float) -> str:
        """`path` with an expiry and a signature."""
        expires = int(now) + FILE_SECONDS
        return f"{path}?e={expires}&s={self._sign(f'{path}:{expires}')}"

    def file_allowed(self, path: str, expires: str, signature: str, now: float) -> bool:
        """Whether a signed address still opens its file."""
        good = hmac.compare_digest(signature.encode(), self._sign(f"{path}:{expires}").encode())
        return good and expires.isdigit() and int(expires) > now

    def _sign(self, text: str) -> str:
        return _encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest()[:24])


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def origin_allowed(origin: str | None, host: str, allowed: list[str]) -> bool:
    """Whether a page of `origin` may open a chat: our own pages and those of the allow-list; no Origin is no browser."""
    if origin is None:
        return True
    return origin.partition("://")[2] == host or origin.rstrip("/") in {a.rstrip("/") for a in allowed}


def parse(raw: str) -> Frame:
    """One frame of a client.

    Raises:
        InputRefused: not a frame of the protocol; the code says what is wrong.
    """
    if len(raw.encode("utf-8", "surrogatepass")) > MAX_FRAME:
        raise InputRefused("这条消息太大了，请分几条发送。", code="frame_too_large")
    try:
        body = json.loads(raw)
    except ValueError:
        raise InputRefused("消息格式不正确。", code="bad_frame") from None
    if not isinstance(body, dict):
        raise InputRefused("消息格式不正确。", code="bad_frame")
    match body.get("type"):
        case "hello":
            return Hello(token=str(body.get("token", "")), after=_number(body.get("after", 0)))
        case "message":
            return _say(body)
        case "vote":
            return Vote(seq=_number(body.get("seq")), helpful=body.get("helpful") is True)
        case "typing":
            return Typing()
        case "ping":
            return Ping()
    raise InputRefused("消息格式不正确。", code="bad_frame")


def _say(body: dict[str, Any]) -> Say:
    client_id = body.get("id")
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise InputRefused("消息缺少编号。", code="bad_frame")
    text = body.get("button") or body.get("text") or ""
    files = body.get("attachments") or []
    named = isinstance(files, list) and all(isinstance(f, str) and _CLIENT_ID.fullmatch(f) for f in files)
    if not isinstance(text, str) or not named or len(files) > 9:
        raise InputRefused("消息格式不正确，一次最多发送 9 个文件。", code="bad_frame", detail={"id": client_id})
    location = body.get("location")
    return Say(
        id=client_id,
        text=text,
        location=_location(location, client_id) if location is not None else None,
        attachments=tuple(files),
    )


def _location(raw: Any, client_id: str) -> dict[str, Any]:
    """``{"latitude", "longitude", "label"}`` in WGS-84 degrees."""
    try:
        latitude, longitude = float(raw["latitude"]), float(raw["longitude"])
        label = raw.get("label")
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        latitude, longitude, label = 999.0, 999.0, None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise InputRefused("位置信息不完整，请重新选择。", code="bad_location", detail={"id": client_id})
    return {"latitude": latitude, "longitude": longitude, "label": _printable(str(label))[:200] if label else None}


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())


def _number(raw: Any) -> int:
    return raw if isinstance(raw, int) and 0 <= raw < 2**31 else 0


def welcome(owner: str, queue_position: int | None, last_seq: int) -> dict[str, Any]:
    return {"type": "welcome", "owner": owner, "queue_position": queue_position, "last_seq": last_seq}


def ack(client_id: str, seq: int) -> dict[str, Any]:
    return {"type": "ack", "id": client_id, "seq": seq}


def owner_frame(owner: str, queue_position: int | None) -> dict[str, Any]:
    return {"type": "owner", "owner": owner, "queue_position": queue_position}


def error(code: str, message: str, client_id: str | None = None) -> dict[str, Any]:
    frame = {"type": "error", "code": code, "message": message}
    return frame | {"id": client_id} if client_id else frame


@dataclass
class Rate:
    """A token bucket: `burst` at once, `per_second` after that."""

    burst: float = 10
    per_second: float = 2
    level: float = 10
    at: float = 0

    def take(self, now: float) -> bool:
        """Whether one more message is within the rate."""
        self.level = min(self.burst, self.level + (now - self.at) * self.per_second) if self.at else self.burst
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True
