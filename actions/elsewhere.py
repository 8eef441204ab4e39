"""What is not done on a channel whose servers stand abroad, where the operator wants it so."""

from __future__ import annotations

from actions.tasks import TASKS
from actions.turn import Turn
from chebao.settings import get_settings

URGENT = {"report_claim", "roadside_assistance"}


def where_instead(turn: Turn, task: str) -> str | None:
    """Where a task that needs personal data is done instead of here; None where it may be done here.

    Every task needs some: who a customer is, his car, his phone number.
    """
    settings = get_settings()
    if turn.channel != "telegram" or settings.telegram_personal_data == "on":
        return None
    first = "人要紧：有人受伤请马上拨打 120 和 122。" if task in URGENT else ""
    return (
        f"{first}{TASKS[task]}要用到您的个人信息。Telegram 的服务器在境外，为了保护您，这里不收这些信息，"
        f"请不要在这里发手机号、证件号和车牌。打开网页就能接着办：{settings.public_url}/chat ，"
        f"也可以拨打 {settings.hotline}。一般的车险问题可以继续在这里问我。"
    )
