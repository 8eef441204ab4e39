"""What the hub itself asks, in words, and which words answer it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chebao.conversations import notices
from chebao.conversations.questions import score_in
from chebao.conversations.service import Wait
from chebao.conversations.types import Reply
from tests.forbidden import PHRASES


@pytest.mark.parametrize(
    ("said", "score"),
    [
        *(
            ("5", 5),
            ("五", 5),
            ("4分", 4),
            ("打3分吧", 3),
            ("2 分 不满意", 2),
            ("很满意", 5),
            ("不满意", 2),
            ("一颗星", 1),
        ),
        *(("6", None), ("50", None), ("5万", None), ("满意不满意关你什么事", None), ("京A12345", None), ("", None)),
    ],
)
def test_words_that_give_a_score(said: str, score: int | None) -> None:
    assert score_in(said, bare=True) == score


@pytest.mark.parametrize(("said", "score"), [("5", None), ("满意", None), ("不满意", None), ("5分", 5)])
def test_later_only_a_score_that_says_so(said: str, score: int | None) -> None:
    assert score_in(said, bare=False) == score


@pytest.mark.parametrize(
    ("wait", "words", "buttons"),
    [
        (Wait(3), "第 3 位，接通后", ["返回机器人"]),
        (Wait(1, 0, 1), "第 1 位，预计 1 分钟内接通", ["返回机器人"]),
        (Wait(3, 2, 6), "预计等待 2–6 分钟", ["返回机器人"]),
        (Wait(9, 12, 30), "预计等待 12–30 分钟", ["返回机器人", "预约回电"]),
        (Wait(1, present=False), "现在没有客服在线", ["返回机器人", "预约回电"]),
    ],
)
def test_the_wait_is_told_as_far_as_it_is_known(wait: Wait, words: str, buttons: list[str]) -> None:
    reply = notices.queued(wait, 10, False, callback=True)
    assert words in reply.text and "10 分钟内没有接通" in reply.text
    assert [button["title"] for button in reply.buttons] == buttons


def test_out_of_hours_says_when_and_names_the_hotline_where_it_is_urgent() -> None:
    opens = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    reply = notices.closed_now(opens, "95000", again=False, urgent=True)
    assert "11月23日 08:30" in reply.text and "95000" in reply.text
    assert "95000" not in notices.closed_now(opens, "95000", again=False, urgent=False).text
    assert len(notices.closed_now(None, "95000", again=True, urgent=False).text) < len(reply.text)


def test_scores_stand_in_the_order_of_their_numbers() -> None:
    titles = [button["title"] for button in notices.score("task:x:1").buttons]
    assert [title[0] for title in titles] == list("12345")


def test_every_question_asks_one_thing_and_asks_it_last() -> None:
    wait = timedelta(minutes=2)
    asked = [
        *(
            notices.leave_message(),
            notices.callback_time([]),
            notices.score("a"),
            notices.waits_long(wait, callback=True),
        ),
        notices.with_score(notices.closed_by_agent(), "a"),
        *(notices.closed_now(None, "95000", again=again, urgent=True) for again in (True, False)),
    ]
    for reply in asked:
        assert isinstance(reply, Reply) and reply.text.count("？") == 1 and not any(p in reply.text for p in PHRASES)
    assert all(reply.text.endswith("？") for reply in asked if "比如" not in reply.text)
