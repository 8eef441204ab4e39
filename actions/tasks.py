"""The dialogues: intent → what a customer calls it."""

from __future__ import annotations

from typing import Final

#: Each has a form `<intent>_form` and a slot `<intent>_draft`.
TASKS: Final[dict[str, str]] = {
    "report_claim": "事故报案",
    "renewal": "续保",
    "new_policy": "投保报价",
    "claim_progress": "理赔进度查询",
    "claim_dispute": "理赔异议",
    "policy_query": "保单查询",
    "policy_change": "保单批改",
    "policy_cancel": "退保",
    "payment_issue": "缴费问题",
    "invoice": "发票与电子保单",
    "complaint": "投诉",
    "roadside_assistance": "道路救援",
    "appointment": "预约",
}
