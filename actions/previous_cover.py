"""The cover that a car has, or had, with another insurer: until when, as customers say it in passing."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final

from actions.nodes import Draft, Field, Finish, Prompt, Step
from actions.turn import HUMAN, Turn
from chebao.insurance import start_rules
from chebao.insurance.dates import add_months, say_day
from chebao.insurance.moments import parse_coming
from chebao.insurance.numbers_zh import chinese_to_int

LAPSED: Final = "这台车的保险已经过期：没有交强险上路会被扣车、罚款，出了事故要自己承担，续上之前请先别开。"

_NUMBER = r"(?P<number>\d{1,3}|[一二两三四五六七八九十半]{1,3})\s*个?(?:多)?(?P<unit>天|日|星期|周|月|年)"
_ENDS = re.compile(r"到期|过期|期满|截止|保到|有效期到|续到|买到|管到")
_OVER = re.compile(r"脱保|断保|断险|断了|过期|到期了?(好几|几|很久|有)|(已经|刚|早就?)(到期|断)|没续上")
_NOT_YET = re.compile(r"(没|未|不到|还差)[^，,]{0,3}(到期|过期|脱保|断)|(快|要|即将|马上)(要)?(到期|过期)")
_LEFT = re.compile(rf"(?:还有|还剩|剩|再过)\s*{_NUMBER}")
_SINCE = re.compile(_NUMBER)
_OTHER_PAPERS = re.compile(r"驾驶?证|驾照|年检|年审|审车|行驶证|身份证|检验|护照|报价|链接|合同")


def cover_end(text: str, now: datetime) -> date | None:
    """The first day without cover that the words tell, e.g. the 19th for "12月18号到期"; None where they tell none.

    Policies name the last day that is covered, so the day after it is the first without. Where cover is over and nobody
    says since when, it is over since today.
    """
    for clause in re.split(r"[，,。；;！!？?\s]", text):
        if _OTHER_PAPERS.search(clause):
            continue
        if not (_ENDS.search(clause) or _OVER.search(clause)):
            continue
        today = now.date()
        if left := _LEFT.search(clause):
            return _shifted(today, left, 1)
        moment = parse_coming(clause, now)
        if moment is not None and moment.precision in ("day", "hour"):
            return moment.start.date() + timedelta(days=1)
        if _OVER.search(clause) and not _NOT_YET.search(clause):
            since = _SINCE.search(clause)
            return (_shifted(today, since, -1) if since else None) or today
    return None


def _shifted(today: date, told: re.Match[str], way: int) -> date | None:
    words, unit = told["number"], told["unit"]
    half = words == "半"
    number = 1 if half else int(words) if words.isdigit() else chinese_to_int(words)
    if number is None:
        return None
    if unit in "月年":
        months = number * (12 if unit == "年" else 1)
        if half and unit == "月":
            return today + timedelta(days=15 * way)
        return add_months(today, way * (months // 2 if half else months))
    return today + timedelta(days=way * number * (1 if unit in "天日" else 7))


def previous_end_field() -> Field:
    """Never asked for: who says it is not asked again when the start is settled."""

    def take(turn: Turn, draft: Draft) -> str | None:
        end = cover_end(turn.text, turn.now)
        return end.isoformat() if end else None

    return Field(
        "previous_end",
        "原保险到期日",
        ask=lambda turn, draft: Prompt("现在的保险哪天到期？"),
        parse=take,
        explain="原来的保险哪天到期，说几月几日就行，比如“12月18日”。",
        words=("到期",),
        take=take,
        needed=lambda turn, draft: "previous_end" in draft,
        show=lambda value: say_day(date.fromisoformat(value) - timedelta(days=1)),
    )


_TRANSFERRED = re.compile(
    r"(刚|才|新|昨天|今天|前天|上周|这周|这个月|上个?月|最近|前几天)[^，。]{0,8}(过户|二手)|二手[^，。]{0,8}(刚|才|昨天|今天|前天|上周|最近)[^，。]{0,4}(过户|买|提)|过户(完|好|了)?[^，。]{0,4}(几天|一周|半个?月)"
)


def transferred_field() -> Field:
    """Never asked for: a car that has just changed hands is inspected before its own damage is covered."""

    def take(turn: Turn, draft: Draft) -> bool | None:
        return True if _TRANSFERRED.search(turn.text) else None

    return Field(
        "transferred",
        "过户",
        ask=lambda turn, draft: Prompt("这台车是刚过户来的吗？"),
        parse=take,
        explain="刚买的二手车回复“刚过户”。",
        words=("过户",),
        take=take,
        needed=lambda turn, draft: "transferred" in draft,
        show=lambda value: "近期过户",
    )


async def _warn(turn: Turn, draft: Draft) -> None:
    if start_rules.is_lapsed(date.fromisoformat(draft["previous_end"]), turn.now.date()):
        turn.say(LAPSED)


async def _check_window(turn: Turn, draft: Draft) -> None:
    earliest = start_rules.too_early(date.fromisoformat(draft["previous_end"]), turn.now.date())
    if earliest is not None:
        raise Finish(
            f"您现在的保险还有较长时间，最早 {say_day(earliest)} 可以办新的，到时价格按当天的情况核算。现有保障照常有效，您放心开车。",
            [HUMAN],
        )


def _told(turn: Turn, draft: Draft) -> bool:
    return "previous_end" in draft


def lapse_step() -> Step:
    """Who drives without cover is warned at once."""
    return Step("lapse_told", _warn, needed=_told, depends=("previous_end",))


def window_step() -> Step:
    """Who is covered for long yet hears the day from which he can buy, before he is asked who he is."""
    return Step("window", _check_window, needed=_told, depends=("previous_end",))
