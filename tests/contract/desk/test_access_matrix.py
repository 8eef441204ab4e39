"""Every route of the desk, asked by everybody: exactly the table's answer."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI

from chebao.desk.access import PREFIX, Gate, table
from tests.contract.desk.matrix import gather_cast, violations
from tests.contract.desk.site import Site

pytestmark = pytest.mark.asyncio


@pytest.mark.timeout(300)
async def test_exactly_the_table(site: Site) -> None:
    assert await violations(await gather_cast(site)) == []


async def test_a_route_without_a_line_in_the_table_does_not_start(site: Site) -> None:
    routes = APIRouter(prefix=PREFIX)

    @routes.get("/secret")
    async def secret() -> dict[str, str]:
        return {}

    gate: Gate = site.app.state.parts.gate
    with pytest.raises(RuntimeError, match="/secret"):
        gate.guards(routes)


async def test_every_served_route_of_the_desk_is_in_the_table(site: Site) -> None:
    app: FastAPI = site.app
    answer = await site.stranger().http.get(f"{site.base}{PREFIX}/openapi.json")
    served = {
        (method.upper(), path.removeprefix(PREFIX)) for path, ways in answer.json()["paths"].items() for method in ways
    }
    assert app.state.parts and served | {("GET", "/openapi.json")} == table().keys()
    undescribed = [
        f"{method} {path}"
        for path, ways in answer.json()["paths"].items()
        for method, way in ways.items()
        if not way.get("description") or not way.get("tags")
    ]
    assert undescribed == []


async def test_who_a_complaint_is_about_never_sees_its_ticket(site: Site) -> None:
    about = await site.person("complaint")
    lead = await site.person(role="supervisor")
    number = "GD202611229998"
    await site.office.rows("DELETE FROM desk.tickets WHERE number = %s", number)
    for person in (about, lead):
        await site.office.rows(
            "INSERT INTO desk.tickets (number, kind, level, subject, state, created_by, about_agent_id)"
            " VALUES (%s, 'complaint', 1, 'x', 'open', 'system', %s)"
            " ON CONFLICT (number) DO UPDATE SET about_agent_id = excluded.about_agent_id",
            number,
            person.id,
        )
        assert await person.refused("GET", f"/tickets/{number}") == (404, "not_found")


async def test_who_takes_a_moment_too_late_hears_that_a_colleague_has_it(site: Site) -> None:
    quick, slow, other = await site.person("claims"), await site.person("claims"), await site.person("renewal")
    conversation = await site.office.waiting("claims")
    path = f"/conversations/{conversation}/take"
    assert (await quick.call("POST", path)).status_code == 204
    late = await slow.call("POST", path)
    assert (late.status_code, late.json()["error"]["message"]) == (409, "这个会话由其他客服接待中，请刷新后再看。")
    assert (await slow.call("GET", f"/conversations/{conversation}")).status_code == 403
    assert (await other.call("POST", path)).status_code == 403
    await site.office.rows("UPDATE desk.episodes SET assigned_at = assigned_at - interval '11 seconds'")
    assert (await slow.call("POST", path)).status_code == 403
