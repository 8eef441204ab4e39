"""The live wall and the monthly figures, counted from rows that a day at the desk leaves behind."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from chebao.db import Connection
from chebao.desk import reachability, wall
from chebao.errors import InputRefused

NOON = datetime(2026, 11, 18, 4, tzinfo=UTC)
"""Noon in Shanghai."""


@dataclass
class Day:
    """Writes rows as hub and desk leave them."""

    connection: Connection
    made: int = 0

    async def agent(self, name: str, state: str, *, capacity: int = 5, reason: str | None = None) -> str:
        await self._do(
            "INSERT INTO desk.agents (id, name, role, skills, capacity, password_hash, state, state_at) "
            "VALUES (%s, %s, 'agent', '{claims}', %s, '', %s, %s)",
            name, name, capacity, state, NOON - timedelta(minutes=5),
        )  # fmt: skip
        await self._do(
            "INSERT INTO desk.agent_states (agent_id, state, reason) VALUES (%s, %s, %s)", name, state, reason
        )
        return name

    async def conversation(self, owner: str = "bot", **columns: Any) -> str:
        self.made += 1
        id_ = f"conversation-{self.made}"
        names = ["id", "channel", "account", "peer", "owner", *columns]
        await self._do(
            f"INSERT INTO hub.conversations ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})",
            id_, "web", "", id_, owner, *columns.values(),
        )  # fmt: skip
        return id_

    async def says(self, conversation: str, seconds: float, intent: str = "human_agent") -> None:
        """The customer writes so long after noon."""
        self.made += 1
        await self._do(
            "INSERT INTO hub.messages (conversation_id, seq, sender, channel, account, text, understood, epoch, state, at) "
            "VALUES (%s, %s, 'customer', 'web', '', 'x', %s, 1, 'answered', %s)",
            conversation, self.made, Jsonb({"intent": intent}), NOON + timedelta(seconds=seconds),
        )  # fmt: skip

    async def episode(
        self,
        conversation: str,
        queued: float,
        *,
        reply: float | None = None,
        ended: float | None = None,
        told: tuple[int, int] | None = None,
        reason: str = "customer_request",
    ) -> None:
        """A hand-off; all times in seconds after noon, `told` in minutes."""
        self.made += 1

        def at(seconds: float | None) -> datetime | None:
            return None if seconds is None else NOON + timedelta(seconds=seconds)

        await self._do(
            "INSERT INTO desk.episodes (id, conversation_id, reason, priority, skill, asked_at, queued_at, first_reply_at, "
            "ended_at, told_wait) VALUES (%s, %s, %s, 5, 'general', %s, %s, %s, %s, %s)",
            f"episode-{self.made}", conversation, reason, at(queued), at(queued), at(reply), at(ended),
            Jsonb({"low": told[0], "high": told[1]}) if told else None,
        )  # fmt: skip

    async def _do(self, statement: str, *values: Any) -> None:
        await self.connection.execute(statement.encode(), values)


@pytest_asyncio.fixture
async def day(database_url: str) -> AsyncIterator[Day]:
    async with await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row) as opened:
        yield Day(opened)
        await opened.rollback()


async def test_the_wall_counts_who_waits_and_who_serves(day: Day) -> None:
    await day.agent("忙", "busy", reason="培训")
    ready = await day.agent("在", "ready")
    await day.conversation("agent", agent_id=ready)
    await day.conversation("agent", agent_id=ready, held_at=NOON)
    first = NOON - timedelta(minutes=4)
    await day.conversation("queued", queued_at=NOON - timedelta(minutes=1), skill="renewal")
    await day.conversation("queued", queued_at=first, skill="claims")
    await day.conversation("queued", queued_at=NOON, skill="claims")
    await day.conversation("bot")
    shown = await wall.figures(day.connection, NOON)
    assert (shown.waiting, shown.waiting_since, shown.serving, shown.held) == (3, first, 1, 1)
    assert [(queue.skill, queue.count) for queue in shown.queues] == [("claims", 2), ("renewal", 1)]
    assert [(agent.name, agent.state, agent.reason, agent.load, agent.held) for agent in shown.agents] == [
        ("在", "ready", None, 1, 1),
        ("忙", "busy", "培训", 0, 0),
    ]
    assert shown.today.service_level is None


async def test_the_wall_measures_today_against_the_promises(day: Day) -> None:
    talk = await day.conversation()
    await day.episode(talk, 0, reply=30, ended=300, told=(1, 2))
    await day.episode(talk, 400, reply=520, ended=900, told=(1, 3))
    await day.episode(talk, 1000, reply=1600, ended=1700, told=(2, 5))
    await day.episode(talk, 1800, ended=1900)
    await day.episode(await day.conversation(), 3590)
    await day.episode(await day.conversation(), 3000)
    await day.episode(await day.conversation(), 100, reply=101, ended=200, reason="takeover")
    await day.episode(await day.conversation(), -86_400, reply=-86_399, ended=-80_000)
    shown = (await wall.figures(day.connection, NOON + timedelta(hours=1))).today
    assert (shown.asked, shown.answered, shown.abandoned) == (6, 3, 1)
    assert shown.service_level == pytest.approx(1 / 5)  # the one who has waited ten seconds may still be in time
    assert shown.median_wait == 120
    told = shown.told
    assert (told.sooner, told.within, told.later, told.told_median, told.real_median) == (1, 1, 1, 180, 120)
    assert [(hour.hour, hour.asked, hour.answered, hour.abandoned) for hour in shown.hours] == [(12, 6, 3, 1)]


async def table(day: Day, *, episodes: bool = False) -> list[dict[str, str]]:
    make = reachability.by_episode if episodes else reachability.by_day
    text = await make(day.connection, "2026-11")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:])))


async def test_the_month_counts_from_the_first_request_to_a_persons_word(day: Day) -> None:
    at_once = await day.conversation()
    await day.says(at_once, 0)
    await day.episode(at_once, 1, reply=41, ended=600, told=(1, 2))
    refused_twice = await day.conversation()
    await day.says(refused_twice, 0)
    await day.says(refused_twice, 20, "inform")
    await day.says(refused_twice, 60)
    await day.episode(refused_twice, 61, reply=361, ended=600, told=(1, 2))
    [first, second] = await table(day, episodes=True)
    assert (first["轮数"], first["到人工首句（秒）"], first["排队（秒）"]) == ("1", "41", "40")
    assert (second["轮数"], second["到人工首句（秒）"], second["排队（秒）"]) == ("3", "361", "300")
    [one_day, whole] = await table(day)
    assert one_day["日期"] == "2026-11-18" and whole["日期"] == "2026-11 合计"
    assert {key: value for key, value in one_day.items() if key != "日期"} == {
        key: value for key, value in whole.items() if key != "日期"
    }
    assert (whole["客户要求人工（次）"], whole["接通（次）"], whole["到排队轮数最多"]) == ("2", "2", "3")
    assert whole["实际不超过告知上限的占比"] == "50.0%"


async def test_a_second_request_after_an_episode_counts_anew(day: Day) -> None:
    talk = await day.conversation()
    await day.says(talk, 0)
    await day.episode(talk, 1, reply=10, ended=100)
    await day.says(talk, 200)
    await day.episode(talk, 201, reply=210, ended=300)
    assert [row["到人工首句（秒）"] for row in await table(day, episodes=True)] == ["10", "10"]


async def test_the_month_counts_who_gave_up_and_who_never_reached_the_queue(day: Day) -> None:
    gave_up = await day.conversation()
    await day.says(gave_up, 0)
    await day.episode(gave_up, 1, ended=400)
    nowhere = await day.conversation()
    await day.says(nowhere, 0)
    await day.says(nowhere, 10)
    called = await day.conversation()
    await day.episode(called, 5, reply=20, ended=100, reason="injury")
    await day.episode(await day.conversation(), 5, reply=6, ended=7, reason="takeover")
    whole = (await table(day))[-1]
    assert whole["客户要求人工（次）"] == "2"
    assert whole["其中未进入排队（次）"] == "1"
    assert whole["助手主动转接（次）"] == "1"
    assert (whole["放弃（次）"], whole["放弃占比"]) == ("1", "50.0%")


async def test_other_months_stay_out(day: Day) -> None:
    talk = await day.conversation()
    await day.says(talk, 86_400 * 20)
    await day.episode(talk, 86_400 * 20, reply=86_400 * 20 + 5)
    assert await table(day, episodes=True) == []
    assert (await table(day))[0]["客户要求人工（次）"] == "0"


@pytest.mark.parametrize("wrong", ["", "2026-13", "2026-1", "11-2026", "2026-11-01", "'; DROP"])
def test_what_is_no_month_is_refused(wrong: str) -> None:
    with pytest.raises(InputRefused):
        reachability.month_of(wrong)
