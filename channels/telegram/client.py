"""The Bot API, through python-telegram-bot: paced, with every failure told as what may be done about it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.constants import FloodLimit, ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from channels.leaving import Leaving, noting, watched
from channels.telegram.bubbles import Bubble, Key
from channels.telegram.protocol import ALLOWED_UPDATES, COMMANDS
from chebao.logs import line
from chebao.settings import Settings

log = logging.getLogger(__name__)

# Without it, every 429 of Telegram ends in a warning about the type that `retry_after` is going to have.
os.environ.setdefault("PTB_TIMEDELTA", "1")

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NO_MATTER = re.compile("message is not modified|message to edit not found|message can't be edited", re.IGNORECASE)
_MAX_CONNECTIONS = 40
_SHORT_TITLE = 8
_TRIES = 3
_TOKEN_PAUSE = 30.0


def webhook_secret(settings: Settings) -> str:
    """What Telegram has to say to be let in: the operator's choice, else derived, so that every process knows it."""
    return settings.telegram_secret.get_secret_value() or derived(settings, "webhook")


def derived(settings: Settings, words: str) -> str:
    """Something that only this installation can make of some words, always the same."""
    seed = settings.session_secret.get_secret_value().encode()
    return hmac.new(seed, f"telegram:{words}".encode(), hashlib.sha256).hexdigest()[:32]


class NotSent(Exception):
    """Nothing reached the chat; trying again is safe.

    Args:
        seconds: how long Telegram asked to wait, 0 where it did not.
    """

    def __init__(self, reason: str, seconds: float = 0) -> None:
        super().__init__(reason)
        self.reason, self.seconds = reason, seconds


class Unsure(Exception):
    """The request went out and no answer came: the message may stand in the chat or not."""


class Unreachable(Exception):
    """The customer blocked the bot or the chat is gone; stop until he writes again."""


class Refused(Exception):
    """Telegram will never take this message."""


class Pace:
    """Telegram's limits: so many messages a second over all chats, one a second in each chat."""

    def __init__(
        self,
        overall: float = FloodLimit.MESSAGES_PER_SECOND,
        each: float = FloodLimit.MESSAGES_PER_SECOND_PER_CHAT,
    ) -> None:
        self._gap, self._chat_gap = 1 / overall, 1 / each
        self._free_at = self._paused_until = 0.0
        self._chats: dict[str, float] = {}
        self._owing: set[str] = set()

    async def wait(self, chat: str, *, edit: bool = False) -> None:
        """Returns when the next message of `chat` may go out, or an edit of one.

        Telegram bears short bursts, so the reply need not wait for the tick at the button it answers: whatever follows
        the reply waits for both.
        """
        at = max(time.monotonic(), self._chats.get(chat, 0.0))
        gap = self._gap_after(chat, edit)
        self._keep(chat, at + gap)
        await _until(at)
        # A place among all is taken only now: one waiting chat does not hold up the others, and of places taken
        # beforehand more than allowed would fall into one second.
        while True:
            at = max(time.monotonic(), self._free_at)
            self._free_at = at + self._gap
            await _until(at)
            if at >= self._paused_until:
                break
        self._keep(chat, at + gap)

    def pause(self, seconds: float) -> None:
        """Nothing goes out for a while: Telegram counts what is sent too early against us."""
        self._paused_until = time.monotonic() + seconds
        self._free_at = max(self._free_at, self._paused_until)

    def _gap_after(self, chat: str, edit: bool) -> float:
        owes = chat in self._owing
        if edit and not owes:
            self._owing.add(chat)
            return 0.0
        self._owing.discard(chat)
        return self._chat_gap * (1 + owes)

    def _keep(self, chat: str, free: float) -> None:
        if len(self._chats) > 10_000:
            now = time.monotonic()
            self._chats = {c: at for c, at in self._chats.items() if at > now}
            self._owing &= self._chats.keys()
        self._chats[chat] = max(free, self._chats.get(chat, 0.0))


async def _until(moment: float) -> None:
    await asyncio.sleep(moment - time.monotonic())


class Client:
    """One bot. Made without any network; its connections belong to the loop that first uses it."""

    def __init__(self, token: str, api: str) -> None:
        self._requests = (
            HTTPXRequest(connection_pool_size=64, read_timeout=15, write_timeout=15, pool_timeout=15),
            HTTPXRequest(connection_pool_size=2, read_timeout=40),
        )
        watched(self._requests[0]._client)  # python-telegram-bot has no place to ask for that
        base = api.rstrip("/")
        self._bot = Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._requests[0],
            get_updates_request=self._requests[1],
        )
        self.account = token.partition(":")[0]
        self.pace = Pace()

    async def close(self) -> None:
        await asyncio.gather(*(request.shutdown() for request in self._requests))

    async def send(
        self, chat: str, bubble: Bubble, file: bytes | None = None, *, leaving: Leaving | None = None
    ) -> str:
        """Sends one bubble and returns Telegram's number of it.

        Args:
            file: the bytes of the bubble's upload.
            leaving: called right before the request's body goes onto the wire.

        Raises:
            NotSent, Unsure, Unreachable, Refused: see there.
        """
        try:
            with noting(leaving):
                message = await self._send(int(chat), bubble, file)
        except RetryAfter as flood:
            seconds = _seconds(flood.retry_after)
            self.pace.pause(seconds)
            raise NotSent("flood_limit", seconds) from None
        except (Forbidden, ChatMigrated):
            raise Unreachable from None
        except BadRequest as refused:
            if "chat not found" in refused.message.lower():
                raise Unreachable from None
            raise Refused(refused.message[:100]) from None
        except NetworkError as error:
            raise _network_problem(error) from None
        except InvalidToken:
            raise NotSent("token_rejected", _TOKEN_PAUSE) from None
        except TelegramError as error:
            raise Unsure(type(error).__name__) from None
        return str(message.message_id)

    async def _send(self, chat: int, bubble: Bubble, file: bytes | None) -> Message:
        words: dict[str, Any] = {"parse_mode": ParseMode.HTML, "reply_markup": _markup(bubble)}
        picture = file if bubble.upload else bubble.photo
        if picture:
            shows = bubble.upload is None or bubble.upload.content_type.startswith("image/")
            try:
                if shows:
                    return await self._bot.send_photo(chat, picture, caption=bubble.html, **words)
                return await self._bot.send_document(chat, picture, filename="文件.pdf", caption=bubble.html, **words)
            except BadRequest as refused:
                if not bubble.html:
                    raise
                log.warning(line("telegram_picture_refused", reason=refused.message[:100]))
        return await self._bot.send_message(chat, bubble.html, **words)

    async def answer_press(self, query_id: str, words: str = "") -> None:
        """Stops the button's spinner, with a passing word perhaps; a late or repeated answer is refused, which is well.

        Raises:
            TelegramError: Telegram is away.
        """
        with suppress(BadRequest):
            await _insisting(lambda: self._bot.answer_callback_query(query_id, words or None))

    async def change_buttons(self, chat: int, message_id: int, keys: Sequence[Key]) -> None:
        """Leaves only these buttons under a message; one that has them already, or is gone or too old, stays as it is.

        Raises:
            TelegramError: Telegram is away, or the customer blocked us.
        """

        async def change() -> None:
            await self.pace.wait(str(chat), edit=True)
            try:
                await self._bot.edit_message_reply_markup(chat, message_id, reply_markup=_inline(keys))
            except RetryAfter as flood:
                self.pace.pause(_seconds(flood.retry_after))
                raise

        try:
            await _insisting(change)
        except BadRequest as refused:
            if not _NO_MATTER.search(refused.message):
                raise

    async def leave(self, chat: int) -> None:
        """Leaves a group."""
        await self._bot.leave_chat(chat)

    async def download(self, file_id: str) -> bytes:
        """The bytes of a customer's file.

        Raises:
            TelegramError: not to be had.
        """
        file = await self._bot.get_file(file_id)
        return bytes(await file.download_as_bytearray())

    async def name(self) -> str:
        """The bot's user name; proves the token.

        Raises:
            TelegramError: no such bot, or no answer.
        """
        return (await self._bot.get_me()).username or ""

    async def receive_by_webhook(self, url: str, secret: str) -> None:
        """Has updates pushed to `url`, and puts our commands into the chat's menu."""
        await self._bot.set_webhook(
            url, secret_token=secret, allowed_updates=ALLOWED_UPDATES, max_connections=_MAX_CONNECTIONS
        )
        await self._set_menu()

    async def receive_by_polling(self) -> None:
        """Has updates kept until they are fetched."""
        await self._bot.delete_webhook()
        await self._set_menu()

    async def webhook(self) -> dict[str, Any]:
        """What Telegram thinks of our webhook."""
        return (await self._bot.get_webhook_info()).to_dict()

    async def menu(self) -> dict[str, str]:
        """The commands in the chat's menu, with their words."""
        return {found.command: found.description for found in await self._bot.get_my_commands()}

    async def updates(self, offset: int) -> Sequence[Update]:
        """The updates from `offset` on; asking for them confirms all before it."""
        return await self._bot.get_updates(offset, timeout=25, allowed_updates=ALLOWED_UPDATES)

    async def _set_menu(self) -> None:
        await self._bot.set_my_commands([BotCommand(name, words) for name, (words, _) in COMMANDS.items()])


async def _insisting(call: Callable[[], Awaitable[Any]]) -> None:
    """Makes a call that may be made twice, again while Telegram stumbles."""
    for attempt in range(1, _TRIES + 1):
        try:
            await call()
            return
        except BadRequest:  # a kind of NetworkError, but for good
            raise
        except (NetworkError, RetryAfter) as error:
            if attempt == _TRIES:
                raise
            await asyncio.sleep(_seconds(error.retry_after) if isinstance(error, RetryAfter) else 0.5)


def _network_problem(error: NetworkError) -> NotSent | Unsure:
    cause = error.__cause__
    if isinstance(cause, _NEVER_SENT):
        return NotSent(type(cause).__name__)
    if isinstance(cause, httpx.HTTPError):
        return Unsure(type(cause).__name__)
    return NotSent("server_error")  # Telegram itself answered that it could not


def _seconds(value: float | timedelta) -> float:
    """python-telegram-bot is changing from numbers to timedelta."""
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _markup(bubble: Bubble) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | None:
    if bubble.keyboard:
        rows = [[_keyboard_button(key)] for key in bubble.keyboard]
        return ReplyKeyboardMarkup(rows, resize_keyboard=True, one_time_keyboard=True)
    return _inline(bubble.keys)


def _inline(keys: Sequence[Key]) -> InlineKeyboardMarkup | None:
    return InlineKeyboardMarkup([[_inline_button(key) for key in row] for row in _rows(keys)]) if keys else None


def _rows(keys: Sequence[Key]) -> list[list[Key]]:
    """Two short titles side by side, long ones alone, so that none is cut off on a phone."""
    rows: list[list[Key]] = []
    for key in keys:
        short = len(key.title) <= _SHORT_TITLE
        if short and rows and len(rows[-1]) == 1 and len(rows[-1][0].title) <= _SHORT_TITLE:
            rows[-1].append(key)
        else:
            rows.append([key])
    return rows


def _inline_button(key: Key) -> InlineKeyboardButton:
    return (
        InlineKeyboardButton(key.title, url=key.url)
        if key.url
        else InlineKeyboardButton(key.title, callback_data=key.token)
    )


def _keyboard_button(key: Key) -> KeyboardButton:
    return KeyboardButton(
        key.title, request_location=key.asks == "location" or None, request_contact=key.asks == "phone" or None
    )
