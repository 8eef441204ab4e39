"""When a person takes over and who: one table for the dialogue, the hub and the desk. Standard library only.

To change a trigger's urgency, skill or words, or what becomes of it out of hours, change its row; the words by which messages
are recognised stand in `actions/handoff.py`, the signs in a claim in `chebao/insurance/fraud.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Closed = Literal["choose", "alert", "note"]

HIGHEST: Final = 9
GENERAL: Final = "general"


@dataclass(frozen=True)
class Reason:
    """One trigger.

    Attributes:
        label: what agents read.
        priority: 0–9, the highest is served first.
        words: the last thing the bot says before the hub's words on the queue.
        skill: who is wanted; "" where the customer's task says it.
        keep_bot: the bot goes on with the task until an agent has come.
        closed: what becomes of it where nobody serves: the customer may ``choose`` between a message and a call-back; it ``alerts``
            the supervisors by a ticket at once, and he waits in the queue all the same; it is ``noted`` as a ticket, and he hears
            nothing of it.
        closed_words: what he hears then; only of what alerts.
    """

    label: str
    priority: int
    words: str = ""
    skill: str = ""
    keep_bot: bool = False
    closed: Closed = "choose"
    closed_words: str = ""


_DISTRESS = (
    "听到您现在很难受，我很担心您。您不是一个人，可以拨打全国心理援助热线 12356；"
    "如果情况紧急，请马上拨打 120 或 110。我这就请同事来陪您说。"
)
_THREAT = "我听到了，您的不满我们很重视。为了大家的安全，我请主管同事马上跟您沟通；如有紧急危险请拨打 110。"
_DANGER = "人最要紧：有人受伤请马上拨打 120，事故请拨打 122。我已请同事优先跟进，您也可以接着跟我说。"
_INJURY = "已为您通知人伤专员，优先接入；下面的报案我们继续，方便时回答就好。"
_ESCALATION = "我听到了，这件事让您受委屈了。我已请主管同事优先跟进，您要办的事我们接着办。"
_CHECKED = "理赔同事会接着跟您核对几处细节，您还要办别的，随时说。"
_ABUSE = "给您带来不好的体验，真的很抱歉。我请人工同事来听您说，尽快把问题解决好。"

_AT_NIGHT = "现在不是人工服务时间，我已按最急的等级提醒值班主管"
_INJURY_AT_NIGHT = f"有人受伤请先拨打 120，事故请拨打 122，等待时不要移动伤者。{_AT_NIGHT}，报案我们接着登记。"
_DISTRESS_AT_NIGHT = (
    f"您先别一个人扛着：12356 和 120 这会儿就有人接，也可以请身边的人陪着您。{_AT_NIGHT}，会尽快在这里联系您。"
)
_DANGER_AT_NIGHT = f"先到安全的地方：有人受伤拨打 120，事故拨打 122，着火拨打 119。{_AT_NIGHT}，您也可以接着跟我说。"
_THREAT_AT_NIGHT = f"{_AT_NIGHT}，会尽快在这里联系您。如有紧急危险请拨打 110。"
_GRAVE_AT_NIGHT = f"{_AT_NIGHT}，会尽快在这里联系您，前面说的不用再说一遍。"

REASONS: Final[Mapping[str, Reason]] = {
    # people first
    "injury": Reason(
        "有人受伤", 9, _INJURY, skill="claims", keep_bot=True, closed="alert", closed_words=_INJURY_AT_NIGHT
    ),
    "distress": Reason("情绪危机", 9, _DISTRESS, closed="alert", closed_words=_DISTRESS_AT_NIGHT),
    "in_danger": Reason("可能有危险", 9, _DANGER, keep_bot=True, closed="alert", closed_words=_DANGER_AT_NIGHT),
    "threat": Reason("言语威胁", 8, _THREAT, skill="complaint", closed="alert", closed_words=_THREAT_AT_NIGHT),
    "escalation": Reason(
        "要升级投诉", 8, _ESCALATION, skill="complaint", keep_bot=True, closed="alert", closed_words=_GRAVE_AT_NIGHT
    ),
    # dissatisfaction
    "complaint_grave": Reason("三级投诉", 9, skill="complaint", closed="alert", closed_words=_GRAVE_AT_NIGHT),
    "complaint": Reason("投诉", 7, skill="complaint"),
    "abuse": Reason("言语激烈", 6, _ABUSE, skill="complaint"),
    # customers to whom a person is due sooner
    "vip": Reason("VIP 客户要求人工", 7),
    "care": Reason("65 岁以上客户要求人工", 7, "这就请同事来，您慢慢说，不着急。"),
    # what the bot cannot, or may not do
    "fraud_signs": Reason("案情需核实", 6, _CHECKED, skill="claims", keep_bot=True, closed="note"),
    "tool_failure": Reason("系统没有处理成功", 6),
    "policy_restriction": Reason("规定须人工办理", 5, "接下来请人工同事帮您跟进。"),
    "repeated_miss": Reason("多次没听懂", 5, "这件事请人工同事来帮您会更快。"),
    "missing_knowledge": Reason("没有现成答案", 4, "这个问题请人工同事来答更稳妥。"),
    "customer_request": Reason("客户要求人工", 5),
}

_WISHES: Final = frozenset({"customer_request", "repeated_miss", "missing_knowledge"})
"""Reasons that give way to who the customer is."""

_SKILLS: Final[Mapping[str, str]] = {
    "report_claim": "claims",
    "claim_progress": "claims",
    "claim_dispute": "claims",
    "roadside_assistance": "claims",
    "renewal": "renewal",
    "new_policy": "new_policy",
    "complaint": "complaint",
}


@dataclass(frozen=True)
class Summary:
    """What an agent reads first.

    Attributes:
        wants: what the customer wants, in a line.
        known: label and value of all that he told already.
        tried: what was tried and did not help.
        open: the question that nobody has answered yet.
    """

    wants: str
    known: list[tuple[str, str]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    open: str = ""

    def as_data(self) -> dict[str, Any]:
        """As effects and rows carry it: ``{wants, known: [[label, value]], tried, open}``."""
        return asdict(self) | {"known": [list(pair) for pair in self.known]}


def reason_for(reason: str, *, vip: bool, care: bool) -> str:
    """The reason under which a customer waits: a mere wish of one who is to be served sooner counts as that."""
    if reason in _WISHES and (vip or care):
        return "vip" if vip else "care"
    return reason


def priority_of(reason: str, *, vip: bool, care: bool) -> int:
    """How urgent it is; among equals those who are to be served sooner come first."""
    known = REASONS.get(reason) or REASONS["customer_request"]
    sooner = (vip or care) and reason not in ("vip", "care")
    return min(HIGHEST, known.priority + sooner)


def skill_of(reason: str, task: str | None) -> str:
    """Who is wanted."""
    known = REASONS.get(reason) or REASONS["customer_request"]
    return known.skill or _SKILLS.get(task or "", GENERAL)


def closed_of(reason: str) -> Closed:
    """What becomes of it where nobody serves."""
    return REASONS[reason].closed if reason in REASONS else "choose"


def label_of(reason: str) -> str:
    """What agents read; a reason that is not ours stands for itself."""
    return REASONS[reason].label if reason in REASONS else reason
