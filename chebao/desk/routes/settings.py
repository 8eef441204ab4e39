"""What supervisors look at and set: wall, hours, order of hand-off reasons, ready sentences, satisfaction, reachability."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from chebao.desk import canned, reachability, settings, surveys, triggers, wall
from chebao.desk.routes.parts import Asking, Parts


def add(routes: APIRouter, parts: Parts) -> None:
    _add_looking(routes, parts)
    _add_hours(routes, parts)
    _add_triggers(routes, parts)
    _add_canned(routes, parts)


def _add_looking(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/wall", tags=["supervision"])
    async def now() -> wall.Wall:
        """Who waits, who serves, and how today's promises were kept."""
        async with parts.pool.connection() as connection:
            return await wall.figures(connection, datetime.now(UTC))

    @routes.get("/surveys", tags=["supervision"])
    async def scores(
        low: bool = False,
        before: Annotated[int | None, Query(ge=1)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        days: Annotated[int, Query(ge=1, le=366)] = 30,
    ) -> dict[str, Any]:
        """What customers said of us, the last first, with the average of the last `days`; `low`: only scores of 1 and 2."""
        async with parts.pool.connection() as connection:
            rows = await surveys.find(connection, low=low, before=before, limit=limit)
            summary = await surveys.summary(connection, datetime.now(UTC) - timedelta(days=days))
        return {"rows": rows, "next": rows[-1].id if len(rows) == limit else None, "summary": summary}

    @routes.get("/reports/reachability", tags=["supervision"], response_class=PlainTextResponse)
    async def reachable(
        month: Annotated[str, Query(pattern=r"^\d{4}-\d{2}$")], episodes: bool = False
    ) -> PlainTextResponse:
        """How a person could be reached in a month, by day or by episode, as CSV."""
        async with parts.pool.connection() as connection:
            table = await (reachability.by_episode if episodes else reachability.by_day)(connection, month)
        name = f"reachability-{month}{'-episodes' if episodes else ''}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return PlainTextResponse(table, media_type="text/csv; charset=utf-8", headers=headers)


def _add_hours(routes: APIRouter, parts: Parts) -> None:
    demo = parts.settings.demo

    @routes.get("/hours", tags=["settings"])
    async def hours() -> settings.HoursPage:
        """When people serve, and what that means for the days ahead."""
        async with parts.pool.connection() as connection:
            return await settings.hours_page(connection, datetime.now(UTC), always=demo)

    @routes.put("/hours", tags=["settings"])
    async def put_hours(caller: Asking, body: dict[str, Any]) -> settings.HoursPage:
        """Sets the hours; 422 names each wrong place."""
        async with parts.pool.connection() as connection, connection.transaction():
            await settings.put_hours(connection, body, caller.id)
            return await settings.hours_page(connection, datetime.now(UTC), always=demo)


def _add_triggers(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/triggers", tags=["settings"])
    async def reasons() -> dict[str, Any]:
        """Why a person is called, how urgent that is, and who is called."""
        async with parts.pool.connection() as connection:
            return {"rows": await triggers.table(connection)}

    @routes.put("/triggers", tags=["settings"])
    async def put_reasons(caller: Asking, body: dict[str, Any]) -> dict[str, Any]:
        """Sets `{reason: {priority?, skill?}}`; a reason left out goes back to the table."""
        async with parts.pool.connection() as connection, connection.transaction():
            return {"rows": await triggers.put(connection, body, caller.id)}


def _add_canned(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/canned", tags=["knowledge"])
    async def ready(caller: Asking, q: Annotated[str, Query(max_length=100)] = "") -> dict[str, Any]:
        """Ready sentences; agents get those of their skills and everybody's."""
        async with parts.pool.connection() as connection:
            rows = await canned.find(connection, q=q, skills=None if caller.leads else list(caller.skills))
        return {"rows": rows, "variables": [{"name": name, "words": words} for name, words in canned.VARIABLES.items()]}

    @routes.post("/canned", status_code=201, tags=["knowledge"])
    async def create(caller: Asking, body: canned.Wanted) -> canned.Canned:
        """Adds a sentence."""
        async with parts.pool.connection() as connection, connection.transaction():
            return await canned.create(connection, body, caller.id)

    @routes.put("/canned/{reply}", tags=["knowledge"])
    async def change(caller: Asking, reply: int, body: canned.Wanted) -> canned.Canned:
        """Changes a sentence."""
        async with parts.pool.connection() as connection, connection.transaction():
            return await canned.change(connection, reply, body, caller.id)

    @routes.delete("/canned/{reply}", status_code=204, tags=["knowledge"])
    async def delete(caller: Asking, reply: int) -> None:
        """Deletes a sentence."""
        async with parts.pool.connection() as connection, connection.transaction():
            await canned.delete(connection, reply, caller.id)
