"""What holds for tickets, in tables: levels, skills, states and the words that customers hear. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chebao.errors import RuleForbids
from chebao.insurance import complaints

type Kind = Literal["complaint", "claim", "callback", "correction", "general"]
type State = Literal["open", "working", "waiting", "resolved", "closed"]
type Sign = Literal["low_score", "lowest_score", "missed_callback", "legal_due", "legal_overdue", "injury"]

KINDS: Final[Mapping[Kind, str]] = {
    "complaint": "投诉",
    "claim": "理赔跟进",
    "callback": "回电",
    "correction": "更正",
    "general": "事项",
}
SKILLS: Final[Mapping[Kind, str]] = {
    "complaint": "complaint",
    "claim": "claims",
    "callback": "general",
    "correction": "general",
    "general": "general",
}
"""Which skill a ticket's owner needs."""


@dataclass(frozen=True)
class Rule:
    """One line of the table of levels.

    Args:
        level: 1 within 24 h, 2 within 48 h, 3 a supervisor at once.
        why: as colleagues read it.
        kinds: tickets that it is about; empty: all.
        sign: what was noticed beside the words.
        words: the level that the customer's own words have by `complaints.level_of`.
    """

    level: int
    why: str
    kinds: tuple[Kind, ...] = ()
    sign: Sign | None = None
    words: int | None = None

    def fits(self, kind: Kind, words: int, signs: frozenset[Sign]) -> bool:
        """Whether the rule applies."""
        return (
            (not self.kinds or kind in self.kinds)
            and (self.sign is None or self.sign in signs)
            and (self.words is None or words == self.words)
        )


LEVELS: Final = (
    Rule(3, "提到监管、媒体、法律、个人信息或人身安全", words=3),
    Rule(3, "法定时限已过", ("complaint", "claim"), sign="legal_overdue"),
    Rule(2, "涉及金额、拖延、误导或多次反映", ("complaint", "claim", "general"), words=2),
    Rule(2, "有人受伤", ("claim",), sign="injury"),
    Rule(2, "法定时限将到", ("complaint", "claim"), sign="legal_due"),
    Rule(2, "约定的回电没有打", sign="missed_callback"),
    Rule(2, "评价为 1 分", sign="lowest_score"),
    Rule(1, "其他事项"),
)
"""The first rule that fits decides."""


def level_of(kind: Kind, text: str, signs: frozenset[Sign] = frozenset()) -> int:
    """How grave a ticket is by the table."""
    words = complaints.level_of(text)
    return next(rule.level for rule in LEVELS if rule.fits(kind, words, signs))


STATES: Final[Mapping[State, str]] = {
    "open": "待处理",
    "working": "处理中",
    "waiting": "等待中",
    "resolved": "已有结果",
    "closed": "已关闭",
}
MOVES: Final[Mapping[State, frozenset[State]]] = {
    "open": frozenset({"working", "waiting", "resolved"}),
    "working": frozenset({"waiting", "resolved"}),
    "waiting": frozenset({"working", "resolved"}),
    "resolved": frozenset({"working", "closed"}),
    "closed": frozenset({"working"}),
}
"""What may follow a state; from resolved or closed back to working, it is taken up again."""


def check_move(before: State, after: State, *, resolution: str | None) -> None:
    """Whether a ticket may go on so.

    Raises:
        RuleForbids: no such move, or a result without words for the customer.
    """
    if after not in MOVES[before]:
        raise RuleForbids(f"工单现在是“{STATES[before]}”，不能直接改成“{STATES[after]}”。", code="move_forbidden")
    if after == "resolved" and not (resolution or "").strip():
        raise RuleForbids("请先写明处理结果，结果会告诉客户。", code="resolution_missing")


# --- steps ----------------------------------------------------------------------------------------------------------

CONTACTS: Final = frozenset({"contact", "called", "resolved"})
"""Steps by which the customer hears from a colleague, besides all that are told to him."""

STEPS: Final[Mapping[str, str]] = {
    "created": "登记",
    "assigned": "分派",
    "state": "状态变更",
    "changed": "修改",
    "note": "备注",
    "contact": "联系客户",
    "called": "已回电",
    "missed": "未能回电",
    "progress": "进展",
    "warned": "时限提醒",
    "escalated": "升级主管",
    "extended": "延长期限",
    "resolved": "处理结果",
    "reopened": "重新处理",
    "untold": "未能告知客户",
}
BY_HAND: Final = frozenset({"note", "contact", "called", "progress"})
"""Kinds of steps that are words only; the others come with what they tell of."""


def told(kind: Kind, number: str, complaint_no: str | None, words: str) -> str:
    """A step as the customer hears it."""
    return f"您的{said(kind)}（{complaint_no or number}）有新进展：{words.rstrip('。')}。"


def said(kind: Kind) -> str:
    """A kind of ticket as customers hear of it."""
    return "工单" if kind == "general" else KINDS[kind]
