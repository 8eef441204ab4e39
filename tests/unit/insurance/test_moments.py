"""Points in time: every way of saying them that the dialogues rely on, told at 10:00 on Sunday 22 November 2026."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.moments import find_moments, parse_moment

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("大概二十分钟前", "2026-11-22T09:40"),
        ("半小时前", "2026-11-22T09:30"),
        ("半个小时前", "2026-11-22T09:30"),
        ("一个半小时前", "2026-11-22T08:30"),
        ("两个小时前", "2026-11-22T08:00"),
        ("两个多小时前", "2026-11-22T08:00"),
        ("1.5小时前", "2026-11-22T08:30"),
        ("一刻钟前", "2026-11-22T09:45"),
        ("昨晚八点多", "2026-11-21T20:00"),
        ("昨天晚上十点", "2026-11-21T22:00"),
        ("前天晚上八点", "2026-11-20T20:00"),
        ("今早7点半", "2026-11-22T07:30"),
        ("上周三下午", "2026-11-11"),
        ("上个月15号", "2026-10-15"),
        ("10月3号", "2026-10-03"),
        ("2026年10月", "2026-10"),
        ("20号", "2026-11-20"),
        ("大前天", "2026-11-19"),
        ("国庆那天", "2026-10-01"),
        ("国庆期间", "2026-10-01/2026-10-07"),
        ("中秋那天", "2026-09-25"),
        ("凌晨两点", "2026-11-22T02:00"),
        ("昨天凌晨两点", "2026-11-21T02:00"),
        ("昨晚两点", "2026-11-22T02:00"),
        ("昨晚十二点", "2026-11-22T00:00"),
        ("下午3点一刻", "2026-11-22T15:15"),
        ("15:30", "2026-11-22T15:30"),
        ("明天", "2026-11-23"),
        ("后天", "2026-11-24"),
        ("下周一上午", "2026-11-23"),
        ("昨天到今天早上", "2026-11-21/2026-11-22"),
        ("昨天下午3点到5点", "2026-11-21T15:00/2026-11-21T17:00"),
        ("刚才", ""),
        ("现在", ""),
        ("刚才追尾了", ""),
        ("三天前", "2026-11-19"),
        ("2个月前", "2026-09"),
        ("一周前", "2026-11-15"),
        ("上个月", "2026-10"),
        ("下个月5号", "2026-12-05"),
        ("去年10月", "2025-10"),
        ("2023年5月", "2023-05"),
        ("二零二三年五月", "2023-05"),
        ("2026-10-05", "2026-10-05"),
        ("2026/10/5 下午2点", "2026-10-05T14:00"),
        ("2026年11月20日20:00", "2026-11-20T20:00"),
        ("今天到期", "2026-11-22"),
        ("明天开始", "2026-11-23"),
        ("周三上午9点方便吗", "2026-11-25T09:00"),
        ("周三被撞了", "2026-11-18"),
        ("这周五", "2026-11-20"),
        ("上周末", "2026-11-14/2026-11-15"),
        ("下周", "2026-11-23/2026-11-29"),
        ("昨天下午三点十分", "2026-11-21T15:10"),
        ("今天早上八点左右", "2026-11-22T08:00"),
        ("今天中午十二点半", "2026-11-22T12:30"),
        ("昨天中午一点", "2026-11-21T13:00"),
        ("快一点", ""),
        ("有一点小刮", ""),
        ("我有两点建议", ""),
        ("早一点来", ""),
        ("明天早一点", "2026-11-23"),
        ("1.5T", ""),
        ("中山路20号", ""),
        ("3号楼", ""),
        ("地铁10号线", ""),
        ("13800000001", ""),
        ("P20260001", ""),
        ("京A12345", ""),
        ("48小时内", ""),
        ("一个月", ""),
        ("十二万八", ""),
        ("2023款", ""),
        ("昨天三点", "2026-11-21T15:00"),
        ("下午三点", "2026-11-22T15:00"),
        ("晚上八点追尾了", "2026-11-21T20:00"),
        ("八点五万", ""),
        ("12月3号到期", "2026-12-03"),
        ("1月5号到期", "2027-01-05"),
        ("3月8号出的险", "2026-03-08"),
        ("前晚十点", "2026-11-20T22:00"),
        ("昨夜", "2026-11-21"),
        ("昨天夜里一点", "2026-11-22T01:00"),
        ("今晚十二点", "2026-11-23T00:00"),
        ("明天下午两点半", "2026-11-23T14:30"),
        ("礼拜天", "2026-11-22"),
        ("星期五晚上", "2026-11-20"),
        ("20日", "2026-11-20"),
        ("十一月二十号", "2026-11-20"),
        ("昨天", "2026-11-21"),
        ("除夕那天", "2026-02-16"),
        ("五一期间", "2026-05-01"),
        ("前几天", ""),
        ("几分钟前", ""),
        ("20261120", "2026-11-20"),
        ("改成昨天下午", "2026-11-21"),
        ("11月20日上午9:30", "2026-11-20T09:30"),
        ("今天上午9点20", "2026-11-22T09:20"),
        ("上午九点二十", "2026-11-22T09:20"),
        ("246810", ""),
        ("这个月25号", "2026-11-25"),
        ("月底", ""),
        ("两年前", ""),
        ("十分钟后", "2026-11-22T10:10"),
        ("前年3月", "2024-03"),
        ("0013", ""),
        ("周一到周五", "2026-11-16/2026-11-20"),
        ("昨天晚上", "2026-11-21"),
        ("晚上7点多", "2026-11-22T19:00"),
        ("早上七八点", ""),
        ("三周前", "2026-11-01"),
    ],
)
def test_values(text: str, values: str) -> None:
    assert " ".join(found.value for found in find_moments(text, NOW)) == values


def test_the_span_is_the_words_of_the_customer() -> None:
    text = "大概是昨晚八点多，在路口"
    (found,) = find_moments(text, NOW)
    assert text[found.start : found.end] == "昨晚八点多"


@pytest.mark.parametrize("text", ["刚才", "刚刚", "现在", "就刚才发生的"])
def test_just_now_is_the_minute_of_the_message(text: str) -> None:
    moment = parse_moment(text, NOW)
    assert moment is not None
    assert (moment.start, moment.precision) == (NOW, "minute")


@pytest.mark.parametrize(
    ("text", "start", "end", "precision"),
    [
        ("上个月", datetime(2026, 10, 1), datetime(2026, 11, 1), "month"),
        ("昨天", datetime(2026, 11, 21), datetime(2026, 11, 22), "day"),
        ("昨晚", datetime(2026, 11, 21, 18), datetime(2026, 11, 22), "day"),
        ("昨晚八点多", datetime(2026, 11, 21, 20), datetime(2026, 11, 21, 21), "hour"),
        ("昨天15:20", datetime(2026, 11, 21, 15, 20), datetime(2026, 11, 21, 15, 21), "minute"),
        ("昨天下午三点到五点", datetime(2026, 11, 21, 15), datetime(2026, 11, 21, 18), "hour"),
    ],
)
def test_moment_of_an_answer(text: str, start: datetime, end: datetime, precision: str) -> None:
    moment = parse_moment(text, NOW)
    assert moment is not None
    assert (moment.start.replace(tzinfo=None), moment.end.replace(tzinfo=None)) == (start, end)
    assert moment.precision == precision


@pytest.mark.parametrize("text", ["不记得了", "", "没有", "昨天或者前天吧"])
def test_no_single_moment(text: str) -> None:
    assert parse_moment(text, NOW) is None


def test_lean_decides_ambiguous_words() -> None:
    assert find_moments("周三", NOW, lean=1)[0].value == "2026-11-25"
    assert find_moments("周三", NOW, lean=-1)[0].value == "2026-11-18"
    assert find_moments("25号", NOW, lean=-1)[0].value == "2026-10-25"
    assert find_moments("25号", NOW, lean=1)[0].value == "2026-11-25"


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31)))
def test_a_full_date_is_taken_as_written(day: datetime) -> None:
    text = f"{day.year}年{day.month}月{day.day}日{day.hour}:{day.minute:02d}"
    (found,) = find_moments(text, NOW)
    hour = day.hour + 12 if 1 <= day.hour <= 6 else day.hour
    assert found.value == f"{day:%Y-%m-%d}T{hour:02d}:{day.minute:02d}"


@given(
    st.text(alphabet="0123456789一二十半点时分月日号年周上下个前后天昨今明早晚的到至-:/ ", max_size=40),
    st.integers(0, 10**9),
)
def test_noise_never_raises(text: str, seconds: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=NOW.tzinfo) + timedelta(seconds=seconds)
    for found in find_moments(text, now):
        assert 0 <= found.start < found.end <= len(text)
