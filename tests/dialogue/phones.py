"""Phones on the fake platforms of ``make run FAKES=1``: what a customer can do with his thumb, and what he then reads."""

from __future__ import annotations

import itertools
import re
import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from chebao.fakes import address
from chebao.settings import Settings

_QUIET = 0.6
_PATIENCE = 20.0
_LINK = re.compile(r'(?:\d+\. )?<a href="([^"]*)">([^<]*)</a>')
_CHATS = itertools.count(int(time.time()))


@dataclass
class Bubble:
    """Something that stands in the chat: words with addresses as they are, and the titles of what can be pressed."""

    text: str
    titles: list[str] = field(default_factory=list)


class Phone(ABC):
    """One customer's phone.

    Args:
        app_url: of the stack, which says where the fake platforms listen.
    """

    platform: str
    peer: str
    """What the platform calls the customer."""

    def __init__(self, app_url: str) -> None:
        port = urlsplit(app_url).port
        assert port
        self._http = httpx.Client(base_url=address(Settings(port=port, _env_file=None), self.platform), timeout=30)
        self._read = 0

    def close(self) -> None:
        self._http.close()

    @abstractmethod
    def say(self, text: str) -> None: ...

    @abstractmethod
    def press(self, title: str) -> None:
        """The newest thing to press with this title."""

    @abstractmethod
    def place(self, latitude: str, longitude: str, label: str) -> None: ...

    def phone(self, number: str) -> None:
        """Gives the own number, with the platform's button where it has one."""
        self.say(number)

    @abstractmethod
    def show(self, picture: bytes) -> None:
        """Sends a picture as it is, with all that its file says of itself where the platform leaves that in."""

    @abstractmethod
    def shut(self) -> None:
        """Lets our side write no more: unfollows, blocks."""

    def agree(self) -> None:
        """Begins to talk; where the channel asks first whether it may be used, it may."""
        self.say("你好")
        if any("境外" in bubble.text for bubble in self.heard()):
            self.press("同意")
            self.heard()

    def told(self, until: str = "") -> str:
        """`heard` as one text."""
        return "\n".join(bubble.text for bubble in self.heard(until))

    def silent(self, seconds: float = 2.0) -> bool:
        """Whether nothing more comes for a while."""
        time.sleep(seconds)
        return len(self._seen()) == self._read

    @abstractmethod
    def _seen(self) -> list[Bubble]:
        """What our side has said so far."""

    def heard(self, until: str = "") -> list[Bubble]:
        """What came since the last look: until nothing more comes, and something with these words did."""
        new: list[Bubble] = []
        ends, quiet = time.monotonic() + _PATIENCE, 0.0
        while time.monotonic() < ends:
            seen = self._seen()
            if len(seen) > self._read:
                new, self._read = new + seen[self._read :], len(seen)
                quiet = time.monotonic() + _QUIET
            if new and time.monotonic() > quiet and any(until in bubble.text for bubble in new):
                return new
            time.sleep(0.05)
        raise AssertionError(f"nothing with “{until}” came, only {[bubble.text for bubble in new]}")


class WeChatPhone(Phone):
    """A follower of the fake official account."""

    platform = "wechat"

    def __init__(self, app_url: str) -> None:
        super().__init__(app_url)
        self.peer = f"o{uuid.uuid4().hex}"
        self._own = f"/phone/{self.peer}"
        self._items: dict[str, dict[str, str]] = {}

    def say(self, text: str) -> None:
        self._do("say", text=text)

    def press(self, title: str) -> None:
        self._do("press", **self._items[title])

    def place(self, latitude: str, longitude: str, label: str) -> None:
        self._do("location", latitude=float(latitude), longitude=float(longitude), label=label)

    def show(self, picture: bytes) -> None:
        self._http.post(f"{self._own}/photo", content=picture).raise_for_status()

    def shut(self) -> None:
        self._do("unfollow")

    @property
    def left(self) -> int:
        """How many messages our side may still send."""
        windows: dict[str, int] = self._http.get(self._own).json()["left"]
        return sum(windows.values())

    def scan(self, scene: str) -> None:
        self._do("scan", scene=scene)

    def follow(self) -> None:
        self._do("follow")

    def _do(self, what: str, **body: Any) -> None:
        self._http.post(f"{self._own}/{what}", json=body).raise_for_status()

    def _seen(self) -> list[Bubble]:
        return [self._bubble(m) for m in self._http.get(self._own).json()["seen"] if m["from"] != "customer"]

    def _bubble(self, message: dict[str, Any]) -> Bubble:
        items = list(message.get("items", []))
        for target, title in _LINK.findall(message["text"]):
            query = parse_qs(urlsplit(target).query)
            if "msgmenuid" in query:
                items.append({"id": query["msgmenuid"][0], "content": title})
        self._items |= {item["content"]: item for item in items}
        words = _LINK.sub(lambda m: "" if m[1].startswith("weixin:") else f"{m[2]}：{m[1]}", message["text"])
        return Bubble(words, [item["content"] for item in items])


class TelegramPhone(Phone):
    """A private chat with the fake bot, spoken to by the real python-telegram-bot."""

    platform = "telegram"

    def __init__(self, app_url: str) -> None:
        super().__init__(app_url)
        self.peer = str(next(_CHATS))
        self._chat = {"chat": self.peer}

    def say(self, text: str) -> None:
        self._do("say", text)

    def press(self, title: str) -> None:
        """A button under a message, or one in place of the keyboard, which types its title."""
        typed = [key for key in self._keyboard() if title in key]
        self._do(*(("say", typed[0]) if typed else ("press", title)))

    def _keyboard(self) -> list[str]:
        newest = [m for m in self._log() if m["from"]["is_bot"]][-1]
        rows = (newest.get("reply_markup") or {}).get("keyboard", ())
        return [key["text"] for row in rows for key in row if not set(key) & {"request_location", "request_contact"}]

    def place(self, latitude: str, longitude: str, label: str) -> None:
        self._do("location", f"{latitude},{longitude},{label}")

    def phone(self, number: str) -> None:
        self._do("contact", f"+86{number}")

    def show(self, picture: bytes) -> None:
        """As a file: Telegram itself strips what is sent as a photo."""
        self._http.post("/sim/document", params=self._chat, content=picture).raise_for_status()

    def shut(self) -> None:
        self._do("block", "yes")

    def _do(self, what: str, words: str) -> None:
        self._http.post(f"/sim/{what}", params=self._chat, content=words.encode()).raise_for_status()

    def _seen(self) -> list[Bubble]:
        return [self._bubble(message) for message in self._log() if message["from"]["is_bot"]]

    def _log(self) -> list[dict[str, Any]]:
        log: list[dict[str, Any]] = self._http.get("/sim/chat", params=self._chat).json()["log"]
        return log

    @staticmethod
    def _bubble(message: dict[str, Any]) -> Bubble:
        keys = [key for row in (message.get("reply_markup") or {}).get("inline_keyboard", ()) for key in row]
        links = [f"{key['text']}：{key['url']}" for key in keys if "url" in key]
        words = message.get("text") or message.get("caption") or ""
        return Bubble("\n".join([words, *links]), [key["text"] for key in keys if "url" not in key])


PHONES: tuple[type[Phone], ...] = (WeChatPhone, TelegramPhone)
