"""Telegram with behaviour: the Bot API by its documented rules, customers to steer, and a phone-like page at ``/``.

Use it through python-telegram-bot's ``base_url`` (``http://127.0.0.1:PORT/bot``), or by hand::

    python -m tests.fakes.telegram --port 8090 --token 4242:demo

Rules kept: 4096/1024 characters, 64 bytes of callback data, well-formed HTML, one message a second in a chat with a short
burst, 30 a second over all, 429 with ``retry_after``, 403 from who blocked the bot, button presses answered once and in time,
webhook pushes over several connections with the secret, repeated until a 2xx, or updates kept for ``getUpdates``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from starlette.applications import Starlette

from tests.fakes import telegram_page
from tests.fakes.telegram_api import BotApi
from tests.fakes.telegram_chat import Chat, Fault
from tests.serving import serving

TOKEN = "4242:fake-token-of-the-tests"


class FakeTelegram:
    """The Bot API's state.

    Attributes:
        sent: every message that reached a chat, in order.
        answered: callback queries that were answered, with the words shown in passing.
        calls: the methods that changed something in a chat or answered a press, in order.
        acks: seconds from push to 2xx, one for each acknowledged update.
        limits: whether the message rates are enforced.
        withheld: updates are made but not delivered; the test pushes them itself.
        queue: updates kept for ``getUpdates``; `arrived` is set when one comes.
        queries: presses that are not answered yet, and since when.
        gate: the connections that may push at once.
    """

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.chats: dict[int, Chat] = {}
        self.sent: list[dict[str, Any]] = []
        self.answered: dict[str, str] = {}
        self.calls: list[str] = []
        self.acks: list[float] = []
        self.refused: list[tuple[str, int, str]] = []
        self.last_error: tuple[int, str] | None = None
        self.faults: list[Fault] = []
        self.press_faults: list[Fault] = []
        self.edit_faults: list[Fault] = []
        self.limits = True
        self.withheld = False
        self.commands: list[dict[str, str]] = []
        self.webhook: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.port = 0
        self.numbers = itertools.count(1)
        self._updates = itertools.count(700_000_001)
        self.queue: list[dict[str, Any]] = []
        self.queries: dict[str, float] = {}
        self.arrived = asyncio.Event()
        self.pushes: set[asyncio.Task[None]] = set()
        self._http: httpx.AsyncClient | None = None
        self.gate = asyncio.Semaphore(40)
        self.app = Starlette(routes=[*telegram_page.routes(self), *BotApi(self).routes()])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[FakeTelegram]:
        """Listens for as long as the context lasts."""
        async with serving(self.app, port) as self.port:
            try:
                yield self
            finally:
                await self.stop()

    async def stop(self) -> None:
        """No more pushes."""
        for push in list(self.pushes):
            push.cancel()
        await asyncio.gather(*self.pushes, return_exceptions=True)
        if self._http:
            await self._http.aclose()
            self._http = None

    # --- customers ------------------------------------------------------------------------------------------------

    def chat(self, chat_id: int, kind: str = "private") -> Chat:
        return self.chats.setdefault(chat_id, Chat(chat_id, kind))

    def say(self, chat_id: int, text: str, **more: Any) -> dict[str, Any]:
        """A customer types."""
        return self.write(chat_id, text=text, **more)

    def write(self, chat_id: int, **content: Any) -> dict[str, Any]:
        """A customer sends any kind of message; returns the update."""
        chat = self.chat(chat_id)
        message = {
            "message_id": next(self.numbers),
            "date": int(time.time()),
            "chat": chat.as_json(),
            "from": {"id": chat_id if chat.kind == "private" else 99, "is_bot": False, "first_name": f"客户{chat_id}"},
            **content,
        }
        chat.log.append(message)
        return self.update(message=message)

    def edit(self, chat_id: int, message_id: int, text: str) -> dict[str, Any]:
        """A customer changes what he wrote."""
        message = next(m for m in self.chat(chat_id).log if m["message_id"] == message_id)
        message |= {"text": text, "edit_date": int(time.time())}
        return self.update(edited_message=dict(message))

    def press(self, chat_id: int, title: str) -> dict[str, Any]:
        """A customer presses the newest button with this title, or else with this in its title."""
        offered = self.chat(chat_id).inline() if title.startswith("✓") else self.chat(chat_id).buttons()
        pressable = [b for b in offered if title in b["text"] and "callback_data" in b]
        button = ([b for b in pressable if b["text"] == title] or pressable)[-1]
        query = f"q{next(self.numbers)}"
        self.queries[query] = time.monotonic()
        message = next(m for m in self.chat(chat_id).log if m["message_id"] == button["message_id"])
        return self.update(
            callback_query={
                "id": query,
                "from": {"id": chat_id, "is_bot": False, "first_name": "客户"},
                "message": dict(message),
                "chat_instance": "1",
                "data": button["callback_data"],
            }
        )

    def photo(self, chat_id: int, content: bytes, caption: str = "", *, as_document: bool = False) -> dict[str, Any]:
        """A customer sends a picture."""
        name = f"f{next(self.numbers)}"
        self.files[name] = content
        size = {"file_id": name, "file_unique_id": name, "file_size": len(content)}
        caption_too = {"caption": caption} if caption else {}
        if as_document:
            return self.write(chat_id, document={**size, "file_name": "照片.jpg"}, **caption_too)
        small = {**size, "file_id": "thumbnail", "width": 90, "height": 60}
        return self.write(chat_id, photo=[small, {**size, "width": 900, "height": 600}], **caption_too)

    def voice(self, chat_id: int, content: bytes, *, size: int | None = None, **kind: Any) -> dict[str, Any]:
        """A customer speaks; `size` is what Telegram says of it."""
        name = f"f{next(self.numbers)}"
        self.files[name] = content
        told = {"file_id": name, "file_unique_id": name, "duration": 3, "mime_type": "audio/ogg"}
        return self.write(chat_id, voice={**told, "file_size": len(content) if size is None else size, **kind})

    def block(self, chat_id: int, blocked: bool = True) -> dict[str, Any]:
        """A customer blocks the bot, or lets it in again."""
        chat = self.chat(chat_id)
        chat.blocked = blocked
        user = {"id": int(self.token.partition(":")[0]), "is_bot": True, "first_name": "车保"}
        states = [{"status": "kicked", "user": user, "until_date": 0}, {"status": "member", "user": user}]
        old, new = states[::-1] if blocked else states
        return self.update(
            my_chat_member={
                "chat": chat.as_json(),
                "from": {"id": chat_id, "is_bot": False, "first_name": "客户"},
                "date": int(time.time()),
                "old_chat_member": old,
                "new_chat_member": new,
            }
        )

    def update(self, **content: Any) -> dict[str, Any]:
        """Makes an update and delivers it."""
        update = {"update_id": next(self._updates), **content}
        if self.withheld:
            return update
        if self.webhook.get("url"):
            self.push(update)
        else:
            self.queue.append(update)
            self.arrived.set()
        return update

    def push(self, update: dict[str, Any], *, after: float = 0.0) -> asyncio.Task[None]:
        """Pushes an update to the webhook until it is acknowledged."""
        push = asyncio.create_task(self._push(update, after))
        self.pushes.add(push)
        push.add_done_callback(self.pushes.discard)
        return push

    async def pushed(self) -> None:
        """Returns when every push was acknowledged."""
        while self.pushes:
            await asyncio.gather(*self.pushes)

    async def _push(self, update: dict[str, Any], after: float) -> None:
        await asyncio.sleep(after)
        if self._http is None:
            limits = httpx.Limits(max_connections=100, keepalive_expiry=4)
            self._http = httpx.AsyncClient(limits=limits, trust_env=False, timeout=60)
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
        for attempt in itertools.count():
            async with self.gate:
                began = time.monotonic()
                try:
                    answer = await self._http.post(self.webhook["url"], json=update, headers=headers)
                    if answer.is_success:
                        self.acks.append(time.monotonic() - began)
                        return
                    self.refused.append(("push", answer.status_code, answer.text[:200]))
                    self.last_error = (
                        int(time.time()),
                        f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}",
                    )
                except httpx.TransportError:
                    self.last_error = (int(time.time()), "Connection refused")
            await asyncio.sleep(min(0.05 * 2**attempt, 1.0))

    @property
    def unanswered(self) -> int:
        """Presses whose button still shows the spinner."""
        return len(self.queries)


async def _run(port: int, token: str) -> None:
    async with FakeTelegram(token).serve(port) as fake:
        print(f"Telegram (fake): {fake.url}/", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serves until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(options.port, options.token))


if __name__ == "__main__":
    main()
