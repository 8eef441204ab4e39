"""Working hours and canned replies: what supervisors may set, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg.rows import dict_row

from chebao.db import Connection
from chebao.desk import canned, settings
from chebao.desk import hours as service_hours
from chebao.desk.canned import Wanted
from chebao.errors import Conflict, InputRefused, NotFound


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing behind."""
    async with await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row) as opened:
        yield opened
        await opened.rollback()


async def audited(connection: Connection) -> list[dict[str, Any]]:
    return await (await connection.execute("SELECT actor, action, detail FROM desk.audit ORDER BY id")).fetchall()


def hours(**changes: Any) -> dict[str, Any]:
    return service_hours.DEFAULT_HOURS.model_dump(mode="json") | changes


async def test_hours_are_kept_with_who_changed_them(connection: Connection) -> None:
    assert await service_hours.in_force(connection) == service_hours.DEFAULT_HOURS
    assert await settings.changed(connection, "hours") is None
    week = {str(day): [["13:30", "18:00"], ["09:00", "12:00"]] for day in range(1, 8)}
    stored = await settings.put_hours(connection, hours(week=week), "lead1")
    assert stored.week["1"] == [("09:00", "12:00"), ("13:30", "18:00")]
    assert await service_hours.in_force(connection) == stored
    changed = await settings.changed(connection, "hours")
    assert changed is not None and changed.by == "lead1"
    await settings.put_hours(connection, hours(week=week), "lead1")
    [entry] = await audited(connection)
    assert (entry["actor"], entry["action"], entry["detail"]["before"]) == ("lead1", "settings.hours", None)


async def test_a_days_hours_follow_its_kind_and_own_dates_are_strongest(connection: Connection) -> None:
    own = [{"date": "2026-10-01", "note": "值班", "periods": [["10:00", "11:00"]]}]
    stored = await settings.put_hours(connection, hours(holiday=[], makeup=[["08:00", "24:00"]], own=own), "lead1")
    assert stored.periods(date(2026, 10, 1), "holiday") == [("10:00", "11:00")]
    assert stored.note(date(2026, 10, 1)) == "值班"
    assert stored.periods(date(2026, 10, 2), "holiday") == []
    assert stored.periods(date(2026, 10, 10), "makeup") == [("08:00", "24:00")]
    assert stored.periods(date(2026, 11, 22), "weekend") == service_hours.DEFAULT_HOURS.week["7"]


async def test_the_days_ahead_are_shown_as_they_will_be(connection: Connection) -> None:
    own = [{"date": "2026-10-12", "note": "系统升级", "periods": []}]
    await settings.put_hours(connection, hours(holiday=[], makeup=[["08:00", "24:00"]], own=own), "lead1")
    night = datetime(2026, 9, 30, 16, 30, tzinfo=UTC)  # half past midnight on the first of October in Shanghai
    page = await settings.hours_page(connection, night)
    assert (page.open, page.changed_by, len(page.days)) == (False, "lead1", 60)
    days = {day.date.isoformat(): (day.kind, day.name, day.periods) for day in page.days}
    assert days["2026-10-01"] == ("holiday", "国庆节", [])
    assert days["2026-10-10"][0] == "makeup" and days["2026-10-10"][2] == [("08:00", "24:00")]
    assert days["2026-10-12"] == ("own", "系统升级", [])
    assert days["2026-10-13"][0] == "workday"
    assert (await settings.hours_page(connection, night + timedelta(days=12, hours=10))).open


@pytest.mark.parametrize(
    ("place", "wrong", "words"),
    [
        ("holiday", [["09:00", "12:00"], ["11:00", "13:00"]], "重叠"),
        ("holiday", [["12:00", "09:00"]], "晚于开始"),
        ("makeup", [["9点", "12点"]], "09:00"),
        ("makeup", [["09:00", "25:00"]], "09:00"),
        ("week", {"1": []}, "七天"),
        ("own", [{"date": "2026-10-01"}, {"date": "2026-10-01"}], "两次"),
    ],
)
async def test_impossible_hours_are_refused_with_the_place_and_why(
    connection: Connection, place: str, wrong: Any, words: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        await settings.put_hours(connection, hours(**{place: wrong}), "lead1")
    assert any(words in why for why in refused.value.detail.values())
    assert await service_hours.in_force(connection) == service_hours.DEFAULT_HOURS
    assert await audited(connection) == []


@pytest.mark.parametrize("wrong", [None, [], {"week": 1}, {"week": {"8": []}}, {"week": {"1": [["09:00"]]}}])
async def test_shapes_that_are_no_hours_are_refused(connection: Connection, wrong: Any) -> None:
    with pytest.raises(InputRefused):
        await settings.put_hours(connection, wrong, "lead1")


async def test_canned_replies_are_written_found_changed_and_deleted(connection: Connection) -> None:
    made = await canned.create(
        connection, Wanted(title=" 问候 ", text="{客户}您好，我是{客服}。", shortcut="nh"), "lead1"
    )
    assert made.title == "问候" and made.changed_by == "lead1"
    claims = await canned.create(connection, Wanted(title="照片", text="请补拍车头照片。", skill="claims"), "lead1")
    assert [reply.id for reply in await canned.find(connection, skills=["renewal"])] == [made.id]
    assert {reply.id for reply in await canned.find(connection, skills=["claims"])} == {made.id, claims.id}
    assert [reply.id for reply in await canned.find(connection, q="NH")] == [made.id]
    assert await canned.find(connection, q="%") == []
    changed = await canned.change(connection, made.id, Wanted(title="开场", text="您好。", shortcut="nh"), "lead2")
    assert (changed.title, changed.changed_by) == ("开场", "lead2")
    await canned.delete(connection, made.id, "lead2")
    with pytest.raises(NotFound):
        await canned.delete(connection, made.id, "lead2")
    actions = [entry["action"] for entry in await audited(connection)]
    assert actions == ["canned.create", "canned.create", "canned.change", "canned.delete"]


async def test_unknown_variables_and_taken_shortcuts_are_refused(connection: Connection) -> None:
    with pytest.raises(InputRefused, match="身份证"):
        await canned.create(connection, Wanted(title="x", text="{身份证}"), "lead1")
    first = await canned.create(connection, Wanted(title="一", text="一", shortcut="a"), "lead1")
    second = await canned.create(connection, Wanted(title="二", text="二", shortcut="  "), "lead1")
    assert second.shortcut is None
    with pytest.raises(Conflict, match="一"):
        await canned.change(connection, second.id, Wanted(title="二", text="二", shortcut="a"), "lead1")
    assert (
        await canned.change(connection, first.id, Wanted(title="一", text="壹", shortcut="a"), "lead1")
    ).text == "壹"


async def test_a_shortcut_given_away_in_the_same_moment_is_a_conflict(
    connection: Connection, database_url: str
) -> None:
    await canned.create(connection, Wanted(title="一", text="一", shortcut="tk"), "lead1")
    async with await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row) as other:
        second = asyncio.create_task(canned.create(other, Wanted(title="二", text="二", shortcut="tk"), "lead2"))
        await asyncio.sleep(0.1)  # it has looked, found the shortcut free, and waits for the first to end
        await connection.commit()
        with pytest.raises(Conflict, match="快捷词"):
            await second
    await connection.execute("DELETE FROM desk.canned_replies")
    await connection.execute("DELETE FROM desk.audit")
    await connection.commit()


async def test_our_first_replies_come_once_and_deleted_ones_stay_away(connection: Connection) -> None:
    seeded = await canned.seed(connection)
    replies = await canned.find(connection)
    assert seeded == len(replies) > 10
    assert await canned.seed(connection) == 0
    for reply in replies:
        await canned.delete(connection, reply.id, "lead1")
    assert await canned.seed(connection) == 0
