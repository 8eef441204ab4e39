"""A customer on the web chat: words, presses and photos over the real socket and the real upload."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from PIL import Image, ImageOps
from websockets.sync.client import ClientConnection, connect


class WebCustomer:
    """One conversation.

    Attributes:
        heard: the messages since the customer last said something.
    """

    def __init__(self, url: str, socket: ClientConnection, session: dict[str, str]) -> None:
        self._url, self._socket, self._session = url, socket, session
        self.heard: list[dict[str, Any]] = []

    def say(self, text: str) -> str:
        return self._send(text=text)

    def press(self, title: str) -> str:
        """Presses the last button whose title contains `title`."""
        offered = [b for m in self.heard for b in m["buttons"] if title in b["title"]]
        return self._send(button=offered[-1]["payload"])

    def show(self, *pictures: bytes) -> str:
        """Uploads pictures and sends them in one message."""
        ids = []
        for picture in pictures:
            answer = httpx.post(
                f"{self._url}/api/web/uploads",
                files={"file": ("p.jpg", picture)},
                headers={"Authorization": f"Bearer {self._session['token']}"},
                timeout=30,
            )
            ids.append(answer.raise_for_status().json()["id"])
        return self._send(attachments=ids)

    def waits(self, words: str) -> str:
        """What comes by itself, up to a message with these words."""
        told: list[str] = []
        while not (told and words in told[-1]):
            frame = json.loads(self._socket.recv(timeout=20))
            if frame["type"] == "message" and frame["from"] != "customer":
                told.append(frame["text"])
        return "\n".join(told)

    def _send(self, **content: Any) -> str:
        """All that is answered, as one text."""
        message_id = uuid.uuid4().hex
        self._socket.send(json.dumps({"type": "message", "id": message_id, **content}))
        self.heard = []
        answered = False
        while True:
            try:
                frame = json.loads(self._socket.recv(timeout=1.0 if answered else 25))
            except TimeoutError:
                assert answered, f"no answer to {content}"
                return "\n".join(m["text"] for m in self.heard)
            if frame["type"] == "error":
                raise AssertionError(frame)
            if frame["type"] == "message" and frame["from"] != "customer":
                self.heard.append(frame)
                answered = True


@contextmanager
def web_customer(url: str) -> Iterator[WebCustomer]:
    """A new conversation on the web chat."""
    session = httpx.post(f"{url}/api/web/sessions", json={}).raise_for_status().json()
    with connect(url.replace("http", "ws") + "/api/web/socket") as socket:
        socket.send(json.dumps({"type": "hello", "token": session["token"], "after": 0}))
        yield WebCustomer(url, socket, session)


def photo(*, blurred: bool = False, dark: bool = False, at: tuple[float, float] | None = None) -> bytes:
    """A picture with edges (or without), optionally with a position in its EXIF data."""
    picture = ImageOps.invert(Image.effect_mandelbrot((640, 480), (-2, -1.5, 1, 1.5), 60)).convert("RGB")
    if blurred:
        picture = picture.resize((12, 9)).resize((640, 480), Image.Resampling.BICUBIC)
    if dark:
        picture = picture.point(lambda level: level // 12)
    exif = Image.Exif()
    if at:
        gps = exif.get_ifd(0x8825)
        gps[1], gps[2] = "N", (at[0], 0.0, 0.0)
        gps[3], gps[4] = "E", (at[1], 0.0, 0.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue()
