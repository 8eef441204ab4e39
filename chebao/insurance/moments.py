"""Points in time as customers say them, resolved against the moment the message was received."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from chebao.insurance import holidays_zh
from chebao.insurance import moments_grammar as grammar
from chebao.insurance.found import Found, Taken, fold
from chebao.insurance.moments_clock import anchor, bare_hour, clock_is_certain, daypart_hours, number_of, read_clock
from chebao.insurance.numbers_zh import chinese_to_decimal

_PRECISIONS = ("month", "day", "hour", "minute")
_NAMED = {"大前": -3, "前": -2, "昨": -1, "今": 0, "明": 1, "后": 2, "大后": 3}
_NAMED_ENDING = re.compile("[天日儿]个?$")
_STEP = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}
_WEEKDAY = {
    sign: index for index, signs in enumerate(("一1", "二2", "三3", "四4", "五5", "六6", "日天")) for sign in signs
}


@dataclass(frozen=True)
class Moment:
    """A span of time: from `start` up to, not including, `end`; `precision` is month, day, hour or minute."""

    start: datetime
    end: datetime
    precision: str


@dataclass(frozen=True)
class _Point:
    """One expression before it is anchored to a clock: `first` to `last` are whole days unless `at` is given."""

    first: date
    last: date
    precision: str
    at: datetime | None = None
    daypart: str = ""

    def value(self) -> str:
        if self.at is not None:
            return self.at.strftime("%Y-%m-%dT%H:%M")
        if self.precision == "month":
            return self.first.strftime("%Y-%m")
        if self.first != self.last:
            return f"{self.first.isoformat()}/{self.last.isoformat()}"
        return self.first.isoformat()


def find_moments(text: str, now: datetime, lean: int = 0) -> list[Found]:
    """Points and spans of time in the text as ISO 8601 local time, as precise as the words are ("刚才" is none).

    Args:
        text: the customer's message.
        now: when it was received, aware, Asia/Shanghai.
        lean: where ambiguous words ("周三", "20号", "八点") point: -1 past, 1 future, 0 as the rest of the message says.
    """
    return [Found("datetime", value, start, end) for value, _, start, end in _scan(text, now, lean)]


def parse_moment(text: str, now: datetime, lean: int = 0) -> Moment | None:
    """The one moment in the answer to a question about time; here "刚才" and "现在" mean `now`. None when none or several."""
    hits = _scan(text, now, lean)
    if len(hits) == 1:
        return hits[0][1]
    if not hits and grammar.NOW.search(fold(text)):
        start = now.replace(second=0, microsecond=0)
        return Moment(start, start + timedelta(minutes=1), "minute")
    return None


def parse_coming(text: str, now: datetime) -> Moment | None:
    """As `parse_moment` where something to come was asked for: "13号" on the 22nd is the next month's, "11月20号" is past."""
    told, leaning = parse_moment(text, now), parse_moment(text, now, lean=1)
    return leaning if leaning is not None and leaning.start - now < timedelta(days=62) else told


def _scan(text: str, now: datetime, lean: int) -> list[tuple[str, Moment, int, int]]:
    folded = fold(text)
    if not grammar.ANY.search(folded):
        return []
    lean = lean or lean_of(folded)
    if grammar.POINTED.fullmatch(folded):
        folded = folded.replace(".", "/")
    spans = [(point, *span) for point, span in _points(folded, now, lean)]
    out: list[tuple[str, Moment, int, int]] = []
    index = 0
    while index < len(spans):
        point, start, end = spans[index]
        until, stop, used = _range_end(folded, now, spans, index)
        index += used
        if until is None:
            out.append((point.value(), _moment(point, now), start, end))
        else:
            first, last = _moment(point, now), _moment(until, now)
            precision = min(first.precision, last.precision, key=_PRECISIONS.index)
            value = f"{_first_value(point)}/{until.value().rpartition('/')[2]}"
            out.append((value, Moment(first.start, last.end, precision), start, stop))
    return out


def lean_of(text: str) -> int:
    """Where the words of a message or a question point: -1 past, 1 future, 0 nowhere."""
    folded = fold(text)
    if grammar.FUTURE.search(folded):
        return 1
    return -1 if grammar.PAST.search(folded) else 0


def _first_value(point: _Point) -> str:
    return point.value().partition("/")[0]


def _range_end(
    folded: str, now: datetime, spans: list[tuple[_Point, int, int]], index: int
) -> tuple[_Point | None, int, int]:
    """The point after 到/至/-, the end of its text, and how many entries of `spans` are used up."""
    point, _, end = spans[index]
    link = grammar.RANGE.match(folded, end)
    if not link:
        return None, end, 1
    following = spans[index + 1] if index + 1 < len(spans) else None
    bare = grammar.TIME_OF_RANGE.match(folded, link.end())
    if bare and point.first == point.last and point.precision != "month":
        clock = bare if bare["daypart"] or bare["hm"] or bare["daypart2"] else None
        until = _with_time(replace(point, at=None), bare, now, 0, "" if clock else point.daypart)
        if until is not None and _after(until, point):
            used = 2 if following and following[1] < bare.end() else 1
            return until, bare.end(), used
    if following and following[1] == link.end() and _after(following[0], point):
        return following[0], following[2], 2
    return None, end, 1


def _after(later: _Point, earlier: _Point) -> bool:
    if later.at is not None and earlier.at is not None:
        return later.at > earlier.at
    return later.last >= earlier.first


def _points(folded: str, now: datetime, lean: int) -> list[tuple[_Point, tuple[int, int]]]:
    points: list[tuple[_Point, tuple[int, int]]] = []
    taken = Taken(len(folded))
    for ago in grammar.AGO.finditer(folded):
        at = _ago(ago, now)
        if at is not None:
            precision = "hour" if ago["hours"] and not ago["hourminutes"] else "minute"
            points.append((_Point(at.date(), at.date(), precision, at), ago.span()))
            taken.take(*ago.span())
    for match in grammar.DATE.finditer(folded):
        day = _date(match, folded, now, lean) if taken.free(*match.span()) else None
        if day is None:
            continue
        start, end = match.span()
        clock = grammar.TIME_OF_DATE.match(folded, end) if day.precision == "day" and day.first == day.last else None
        timed = _with_time(day, clock, now, lean) if clock else None
        end = clock.end() if clock and timed else end
        points.append((timed or day, (start, end)))
        taken.take(start, end)
    for match in grammar.TIME.finditer(folded):
        if taken.free(*match.span()) and clock_is_certain(match, folded):
            point = _time_only(match, now, lean)
            if point is not None:
                points.append((point, match.span()))
    return sorted(points, key=lambda entry: entry[1])


def _ago(match: re.Match[str], now: datetime) -> datetime | None:
    def amount(name: str) -> float:
        value = chinese_to_decimal(match[name]) if match[name] else None
        return float(value or 0)

    minutes = amount("minutes") + amount("hourminutes") + 15 * amount("quarters") + 60 * amount("hours")
    minutes += 30 if match["half"] or match["plushalf"] or match["halfafter"] else 0
    if not 0 < minutes <= 30 * 24 * 60:
        return None
    way = -1 if match["way"] == "前" else 1
    return (now + way * timedelta(minutes=minutes)).replace(second=0, microsecond=0)


def _date(match: re.Match[str], folded: str, now: datetime, lean: int) -> _Point | None:
    try:
        return _date_unchecked(match, folded, now, lean)
    except (ValueError, OverflowError):
        return None


def _date_unchecked(match: re.Match[str], folded: str, now: datetime, lean: int) -> _Point | None:
    today = now.date()
    if match["iso"]:
        year, month, day = (int(part) for part in re.findall("[0-9]+", match["iso"]))
        return _day(date(year, month, day))
    if match["compact"]:
        return _day(date(int(match["compact"][:4]), int(match["compact"][4:6]), int(match["compact"][6:])))
    if match["ym"]:
        return _month(int(match["ym"][:4]), int(match["ym"][5:]))
    if match["md"]:
        month, day = (int(part) for part in match["md"].split("/"))
        return _day(date(_nearest_year(month, day, today, lean), month, day))
    if match["month"]:
        return _month_and_day(match, folded, today, lean)
    if match["relmonth"]:
        months = today.year * 12 + today.month - 1 + _STEP[match["relmonth"]]
        if match["relday"]:
            return _day(date(months // 12, months % 12 + 1, number_of(match["relday"])))
        return _month(months // 12, months % 12 + 1)
    if match["dom"]:
        return _day_of_month(match, folded, today, lean)
    if match["festival"]:
        return _festival(match, today, lean)
    if match["named"]:
        if match["named"].startswith("明后"):
            return _Point(today + timedelta(days=1), today + timedelta(days=2), "day")
        return _day(today + timedelta(days=_NAMED[_NAMED_ENDING.sub("", match["named"])]))
    if match["days"]:
        return _days_away(match, today)
    if match["weekday"]:
        return _weekday(match, folded, today, lean)
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=_STEP[match["week"]])
    return _Point(monday, monday + timedelta(days=6), "day")


def _day(day: date) -> _Point:
    return _Point(day, day, "day")


def _month(year: int, month: int) -> _Point:
    first = date(year, month, 1)
    following = date(year + month // 12, month % 12 + 1, 1)
    return _Point(first, following - timedelta(days=1), "month")


def _year(text: str | None, today: date) -> int | None:
    if not text:
        return None
    word = text.rstrip("的").removesuffix("年")
    relative = {"今": 0, "去": -1, "前": -2, "明": 1}
    if word in relative:
        return today.year + relative[word]
    number = number_of(word)
    if 0 <= number < 100:
        number += 2000
    if not 1990 <= number <= 2100:
        raise ValueError(text)
    return number


def _month_and_day(match: re.Match[str], folded: str, today: date, lean: int) -> _Point | None:
    if folded[match.end("month") : match.end("month") + 1] == "个" or folded[
        max(0, match.start() - 1) : match.start()
    ] in {"前", "近"}:
        return None
    month = number_of(match["month"])
    day = number_of(match["day"]) if match["day"] else None
    year = _year(match["year"], today)
    if year is None:
        year = _nearest_year(month, day or 1, today, lean, whole_month=day is None)
    return _month(year, month) if day is None else _day(date(year, month, day))


def _nearest_year(month: int, day: int, today: date, lean: int, whole_month: bool = False) -> int:
    """The year a date without one means: by the lean of the message, else this year unless next January is far nearer."""
    this = (today.month, 1 if whole_month else today.day)
    if lean < 0:
        return today.year - ((month, day) > this)
    if lean > 0:
        return today.year + ((month, day) < this)
    ahead = (month - today.month) % 12
    return today.year + 1 if month < today.month and ahead <= 2 else today.year


def _day_of_month(match: re.Match[str], folded: str, today: date, lean: int) -> _Point | None:
    before = folded[max(0, match.start() - 2) : match.start()]
    if before[-1:] in set("路街道弄巷号区第尾幢栋楼里村院-.") or (before[-1:].isascii() and before[-1:].isalnum()):
        return None
    day = number_of(match["dom"])
    months = today.year * 12 + today.month - 1
    if lean < 0 and day > today.day:
        months -= 1
    if lean > 0 and day < today.day:
        months += 1
    return _day(date(months // 12, months % 12 + 1, day))


def _festival(match: re.Match[str], today: date, lean: int) -> _Point | None:
    name = match["festival"]
    if (
        name in {"五一", "十一"}
        and match.group().endswith(name)
        and match["span"] is None
        and "年" not in match.group()
    ):
        return (
            None
            if lean == 0 and match.end() - match.start() == 2 and not match.group().endswith("节")
            else _resolve_festival(match, today, lean)
        )
    return _resolve_festival(match, today, lean)


def _resolve_festival(match: re.Match[str], today: date, lean: int) -> _Point | None:
    year = _year(match["festyear"], today)
    if year is None:
        day = holidays_zh.date_of(match["festival"], today.year)
        year = today.year if day is None else _nearest_year(day.month, day.day, today, lean)
    first = holidays_zh.date_of(match["festival"], year)
    if first is None:
        return None
    week = match["span"] and match["festival"] in {"国庆", "十一", "春节"}
    return _Point(first, first + timedelta(days=6), "day") if week else _day(first)


def _days_away(match: re.Match[str], today: date) -> _Point | None:
    number = number_of(match["days"])
    way = -1 if match["daysway"] == "前" else 1
    if not 0 < number <= 999:
        return None
    unit = match["daysunit"]
    if unit == "月":
        months = today.year * 12 + today.month - 1 + way * number
        return _month(months // 12, months % 12 + 1) if "个" in match.group() else None
    return _day(today + timedelta(days=way * number * (1 if unit in "天日" else 7)))


def _weekday(match: re.Match[str], folded: str, today: date, lean: int) -> _Point | None:
    monday = today - timedelta(days=today.weekday())
    sign = match["weekday"]
    if sign == "末":
        shift = _STEP[match["weekrel"]] if match["weekrel"] else (-1 if lean < 0 and today.weekday() < 5 else 0)
        saturday = monday + timedelta(days=5 + 7 * shift)
        return _Point(saturday, saturday + timedelta(days=1), "day")
    day = monday + timedelta(days=_WEEKDAY[sign])
    if match["weekrel"]:
        return _day(day + timedelta(weeks=_STEP[match["weekrel"]]))
    if lean < 0 and day > today:
        day -= timedelta(weeks=1)
    if lean > 0 and day < today:
        day += timedelta(weeks=1)
    return _day(day)


def _with_time(day: _Point, match: re.Match[str], now: datetime, lean: int, inherited: str = "") -> _Point | None:
    if match["daypart2"]:
        return replace(day, daypart=match["daypart2"], at=None)
    clock = read_clock(match)
    if clock is None:
        return None
    hour, minute, exact, plain = clock
    part = match["daypart"] or inherited
    date_of, hour = anchor(day.first, hour, part, plain, now, lean)
    at = datetime.combine(date_of, time(hour % 24, minute), now.tzinfo)
    return _Point(date_of, date_of, "minute" if exact else "hour", at, part)


def _time_only(match: re.Match[str], now: datetime, lean: int) -> _Point | None:
    clock = read_clock(match)
    if clock is None:
        return None
    hour, minute, exact, plain = clock
    part = match["daypart"] or ""
    today = now.date()
    if part or plain:
        day, hour = anchor(today, hour, part, plain, now, lean)
    else:
        day, hour = today, bare_hour(hour, minute, now, lean)
    at = datetime.combine(day, time(hour, minute), now.tzinfo)
    if lean < 0 and at > now:
        at -= timedelta(days=1)
    if lean > 0 and at < now:
        at += timedelta(days=1)
    return _Point(at.date(), at.date(), "minute" if exact else "hour", at, part)


def _moment(point: _Point, now: datetime) -> Moment:
    if point.at is not None:
        width = timedelta(hours=1) if point.precision == "hour" else timedelta(minutes=1)
        return Moment(point.at, point.at + width, point.precision)
    start = datetime.combine(point.first, time(), now.tzinfo)
    end = datetime.combine(point.last + timedelta(days=1), time(), now.tzinfo)
    if point.daypart:
        first, last = daypart_hours(point.daypart)
        return Moment(start + timedelta(hours=first), start + timedelta(hours=last), "day")
    return Moment(start, end, point.precision)
