"""The desk's soak run in short form: every promise is kept. Times are judged by ``make soak-desk`` alone."""

from __future__ import annotations

import pytest

from tests.soak.desk.__main__ import soak
from tests.soak.desk.phases import SHORT

_ALWAYS_ZERO = (
    "double_assigned", "wrong_owner", "lost", "doubled", "bot_while_human", "unanswered", "left_alone", "overtaken", "gaps",
    "owners_changed", "drafts_lost", "refused",
)  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_the_desk_keeps_its_promises_under_load() -> None:
    figures = await soak(SHORT)
    assert not {name: figures[name] for name in _ALWAYS_ZERO if figures[name]}, figures
    assert figures["assigned"] >= SHORT.waiting
