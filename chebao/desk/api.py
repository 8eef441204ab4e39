"""The public names of the desk, and how it is put together."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import psycopg

from chebao.conversations.api import Conversation, Hub
from chebao.db import make_pool, transaction
from chebao.desk import events, hooks, lookup, seeds, timers
from chebao.desk.assigner import Assigner
from chebao.desk.config import DeskSettings
from chebao.desk.events import Feed
from chebao.desk.handling import Handling
from chebao.desk.presence import Presence
from chebao.desk.recorder import LIVE, Recorder
from chebao.desk.timers import Timer, Timers
from chebao.desk.waiting import Waiting
from chebao.logs import line
from chebao.settings import Settings

__all__ = ["Desk", "DeskSettings", "build_desk"]

log = logging.getLogger(__name__)

_PRUNE_EVERY = timedelta(minutes=10)


class Desk:
    """Everything of the desk that runs: one object per process, beside the hub.

    Attributes:
        feed: the stream of events.
        handling: what agents do with conversations.
        presence: agents' states.
    """

    def __init__(
        self, hub: Hub, database_url: str, settings: DeskSettings, *, demo: bool, sweep_every: float = 5.0
    ) -> None:
        self.hub, self.settings, self._demo = hub, settings, demo
        self.pool = make_pool(database_url, size=8)
        self.feed = Feed(self.pool, database_url)
        self.handling = Handling(hub, self.pool, settings)
        self.presence = Presence(hub, self.pool, settings, every=sweep_every)
        self.assigner = Assigner(hub, self.pool, self.feed)
        handlers = Waiting(hub, settings).handlers | {"prune": self._prune}
        self.timers = Timers(self.pool, handlers, every=min(sweep_every, 1.0))
        hub.observe(Recorder(settings))
        self._publishing: set[asyncio.Task[None]] = set()
        hub.delivery.on_done = self._delivered
        hub.answer_with(lookup.answer)
        hooks.install(hub, always_open=demo)

    async def start(self) -> None:
        """After the hub has started."""
        await self.pool.open()
        if self._demo:
            await seeds.seed(self.pool)
        await self.feed.start()
        await self._prune(None)
        self.presence.start()
        self.assigner.start()
        self.timers.start()

    async def stop(self) -> None:
        """Before the hub stops."""
        await asyncio.gather(self.timers.stop(), self.assigner.stop(), self.presence.stop())
        await asyncio.gather(*self._publishing)
        await self.feed.stop()
        await self.pool.close()

    def _delivered(self, conversation: Conversation) -> None:
        """WeChat has taken something of ours: the list shows how much more it takes."""
        if conversation.channel == "wechat" and conversation.owner in LIVE:
            task = asyncio.create_task(self._publish(conversation.id))
            self._publishing.add(task)
            task.add_done_callback(self._publishing.discard)

    async def _publish(self, conversation_id: str) -> None:
        try:
            async with transaction(self.pool) as connection:
                await events.publish_rows(connection, {"conversation": [conversation_id]})
        except psycopg.Error as error:
            log.warning(line("desk_window_not_published", conversation=conversation_id, error=type(error).__name__))

    async def _prune(self, _: Timer | None) -> None:
        async with self.pool.connection() as connection:
            await events.prune(connection)
            await timers.arm(connection, "prune", "events", datetime.now(UTC) + _PRUNE_EVERY, {})


def build_desk(
    hub: Hub,
    settings: Settings,
    *,
    desk_settings: DeskSettings | None = None,
    sweep_every: float = 5.0,
) -> Desk:
    """The desk of this process; it observes the hub from now on."""
    assert settings.database_url is not None
    return Desk(
        hub,
        settings.database_url,
        desk_settings or DeskSettings(),
        demo=settings.demo,
        sweep_every=sweep_every,
    )
