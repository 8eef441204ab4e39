"""The soak run in short form: nothing lost, doubled, out of order or let in. Times are judged by ``make soak`` alone."""

from __future__ import annotations

import pytest

from tests.soak.__main__ import platforms, soak


@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_soak_in_short() -> None:
    figures = await soak(platforms(), short=True)
    wrong = {name for name in ("lost", "doubled", "out_of_order", "accepted_bad", "server_errors") if figures[name]}
    assert not wrong, figures
