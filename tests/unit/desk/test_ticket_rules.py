"""The tables of tickets: levels and states; and what customers' words mean for tickets and call-backs."""

from __future__ import annotations

from datetime import datetime

import pytest

from chebao.desk.calendar import Calendar
from chebao.desk.callbacks import choices, time_of
from chebao.desk.hours import DEFAULT_HOURS
from chebao.desk.lookup import number_asked
from chebao.desk.ticket_rules import MOVES, STATES, Kind, Sign, State, check_move, level_of
from chebao.desk.tickets import say_time
from chebao.errors import RuleForbids
from chebao.insurance.dates import SHANGHAI

HOURS = Calendar(DEFAULT_HOURS)
NOW = datetime(2026, 11, 20, 16, 0, tzinfo=SHANGHAI)  # a Friday


@pytest.mark.parametrize(
    ("kind", "text", "signs", "level"),
    [
        ("complaint", "客服说话不耐烦", set(), 1),
        ("complaint", "定损拖了好几天没人管", set(), 2),
        ("complaint", "我要打12378", set(), 3),
        ("claim", "想问一下进度", {"injury"}, 2),
        ("claim", "想问一下进度", {"legal_due"}, 2),
        ("claim", "想问一下进度", {"legal_overdue"}, 3),
        ("general", "约定的回电没有打", {"missed_callback"}, 2),
        ("callback", "定损太低，约个回电", set(), 1),
        ("callback", "评价 1 分", {"lowest_score"}, 2),
        ("correction", "手机号写错了", set(), 1),
    ],
)
def test_levels(kind: Kind, text: str, signs: set[Sign], level: int) -> None:
    assert level_of(kind, text, frozenset(signs)) == level


def test_every_ticket_can_be_closed_and_taken_up_again() -> None:
    def reachable(state: State) -> set[State]:
        seen: set[State] = {state}
        while more := {after for before in seen for after in MOVES[before]} - seen:
            seen |= more
        return seen

    assert all({"working", "closed"} <= reachable(state) for state in STATES)


def test_a_result_needs_words() -> None:
    check_move("working", "resolved", resolution="已补发电子保单")
    with pytest.raises(RuleForbids, match="处理结果"):
        check_move("working", "resolved", resolution=" ")
    with pytest.raises(RuleForbids, match="待处理"):
        check_move("open", "closed", resolution=None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("我的工单GD202611220001怎么样了", "GD202611220001"),
        ("gd202611220001", "GD202611220001"),
        ("GD 202611220001 处理到哪一步了？", "GD202611220001"),
        ("ＧＤ２０２６１１２２０００１进度", "GD202611220001"),
        ("投诉TS2026000012有结果了吗", "TS2026000012"),
        ("工单 GD202611220001", "GD202611220001"),
        ("GD20261122", None),
        ("我的工单怎么样了", None),
        ("我要投诉，TS2026000012拖了好几天没人管", None),  # more than a question: for the dialogue
        ("GD202611220001我想改一下回电时间到周三上午", None),
        ("报案号CL2026000101怎么样了", None),
    ],
)
def test_numbers_that_are_asked_about(text: str, number: str | None) -> None:
    assert number_asked(text) == number


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("明天上午十点", "2026-11-21T10:00"),
        ("周一下午三点", "2026-11-23T15:00"),
        ("明天上午", "2026-11-21T09:00"),  # Saturday opens at nine
        ("半小时后", "2026-11-20T16:30"),
        ("尽快", "2026-11-20T16:10"),
        ("今晚八点", "那个时间客服不在班"),
        ("明天中午十二点半", "那个时间客服不在班"),
        ("后天", "几点方便"),
        ("昨天上午十点", "已经过了"),
        ("下个月", "哪一天"),
        ("明年三月一号上午十点", "一个月以内"),
        ("不知道", "没听清"),
    ],
)
def test_the_time_of_a_call(words: str, expected: str) -> None:
    found = time_of(words, NOW, HOURS)
    if isinstance(found, str):
        assert expected in found
    else:
        assert found.isoformat(timespec="minutes")[:16] == expected
        assert HOURS.opening(found).open


def test_offered_times_lie_in_service_hours_and_ahead() -> None:
    for hour in range(24):
        now = NOW.replace(hour=hour, minute=59)
        offered = choices(now, HOURS)
        assert offered and all(HOURS.opening(at).open and at > now for at in offered)
        assert [time_of(say_time(at), now, HOURS) for at in offered] == offered  # as a button's title comes back
