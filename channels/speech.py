"""Speech as words, the same for every channel: written down where a service for it is set up, else the customer is asked to type."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from chebao.conversations.api import Reply
from chebao.errors import Unavailable
from chebao.logs import line

log = logging.getLogger(__name__)

MOST_BYTES = 2 * 1024 * 1024
"""WeChat's own limit; on Telegram some minutes."""

UNSAID = "（语音）"
TYPE_PLEASE = "暂时听不了语音，麻烦您打字告诉我，或者用输入法的“语音转文字”发送。"
NOT_HEARD = "这段语音没有听清，麻烦您打字告诉我，或者说短一点再发一次。"


class Transcriber(Protocol):
    """The port of a speech-to-text service."""

    async def transcribe(self, audio: bytes, media_format: str) -> str | None:
        """The words of a recording; None where it could not be understood.

        Args:
            media_format: ``amr``, ``mp3``, ``ogg`` …, as the platform names it.

        Raises:
            Unavailable: the service does not answer.
        """


class Speech:
    """Takes in recordings.

    Args:
        transcriber: where there is none, nothing is fetched.
        within: seconds for fetching and writing down, after which the customer is asked to type.
    """

    def __init__(self, transcriber: Transcriber | None, *, within: float) -> None:
        self._transcriber, self._within = transcriber, within

    async def heard(
        self, fetch: Callable[[], Awaitable[bytes | None]], media_format: str, size: int = 0
    ) -> tuple[str, Reply | None]:
        """What a recording says, or what stands in its place and the answer to it.

        Args:
            fetch: gets the recording; None where it is lost.
            size: its bytes, as far as the platform told.
        """
        if self._transcriber is None:
            return UNSAID, Reply(TYPE_PLEASE)
        words = None
        if size <= MOST_BYTES:
            try:
                async with asyncio.timeout(self._within):
                    audio = await fetch()
                    if audio and len(audio) <= MOST_BYTES:
                        words = await self._transcriber.transcribe(audio, media_format)
            except (TimeoutError, Unavailable) as error:
                log.warning(line("speech_not_heard", error=type(error).__name__, size=size))
        return (words.strip(), None) if words and words.strip() else (UNSAID, Reply(NOT_HEARD))
