"""The soak run in short form: nothing lost, doubled or let in.

What depends on the machine's leisure, times and overtaking within fractions of a second, is judged by ``make soak`` alone; the rule of
order is tried in `tests/contract/{wechat,telegram}`.
"""

from __future__ import annotations

import pytest

from tests.soak.__main__ import platforms, soak


@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_soak_in_short() -> None:
    figures = await soak(platforms(), short=True)
    wrong = {name for name in ("lost", "doubled", "accepted_bad", "server_errors") if figures[name]}
    assert not wrong, figures
