"""The customer asks for his ticket by number: ticket or complaint, in his own conversations only."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any, Final

from chebao.conversations.api import Conversation, Reply
from chebao.db import Connection
from chebao.desk import clocks, ticket_rules
from chebao.desk.ticket_rules import STATES
from chebao.desk.tickets import say_time
from chebao.insurance import complaints
from chebao.insurance.dates import local_day, say_day

_NUMBER: Final = re.compile(r"(?<![0-9A-Z])(GD|TS|AP)[ \-]?(\d{10,14})(?!\d)")
_ASKS: Final = re.compile(
    r"怎么样|怎样|进度|进展|进行|到哪|哪一步|处理|结果|查|看看|多久|什么时候|啥时候|情况|状态|好了|办完|消息|回复|呢|吗"
)
_FILLER: Final = re.compile(r"我的|我|这个|那个|的|工单|投诉|预约|回电|单号|编号|受理|号码?|是|[\W_]")
_LONGEST: Final = 60

_FIND: Final = (
    "SELECT t.number, t.kind, t.state, t.complaint_no, t.next_at, t.resolution, t.conversation_id, t.customer_id, t.phone,"
    " a.name AS owner_name, s.text AS told, s.at AS told_at, c.due_at AS decide_by"
    " FROM desk.tickets t LEFT JOIN desk.agents a ON a.id = t.owner_id"
    " LEFT JOIN LATERAL (SELECT text, at FROM desk.ticket_steps WHERE number = t.number AND tell ORDER BY id DESC LIMIT 1) s ON true"
    " LEFT JOIN desk.clocks c ON c.number = t.number AND c.name = %(clock)s AND c.stopped_at IS NULL"
    " WHERE t.number = %(number)s OR t.complaint_no = %(number)s OR t.origin = 'appointment:' || %(number)s"
)
_SAME_CUSTOMER: Final = (
    "SELECT 1 FROM hub.links here JOIN hub.links there ON there.customer_id = here.customer_id"
    " OR (there.phone = here.phone AND (here.customer_id IS NULL OR there.customer_id IS NULL))"
    " WHERE here.conversation_id = %s AND there.conversation_id = %s"
)


def number_asked(text: str) -> str | None:
    """The number of ticket or complaint that the whole message asks about; None for a message with more to say."""
    if len(text) > _LONGEST:
        return None
    folded = unicodedata.normalize("NFKC", text).upper()
    found = _NUMBER.search(folded)
    if not found or complaints.level_of(text) > 1:
        return None
    rest = folded[: found.start()] + folded[found.end() :]
    return found[1] + found[2] if _ASKS.search(rest) or not _FILLER.sub("", rest) else None


async def answer(connection: Connection, conversation: Conversation, text: str) -> Reply | None:
    """How the ticket, complaint or call-back stands that the customer asks about; None where the message asks about none.

    A ticket that is not his looks as if it did not exist.
    """
    number = number_asked(text)
    if number is None:
        return None
    found = await connection.execute(_FIND, {"number": number, "clock": clocks.COMPLAINT})
    row = await found.fetchone()
    if row is None and number.startswith("AP"):  # a visit or survey, which is no ticket
        return None
    if row is None or not await _is_his(connection, conversation, row):
        return Reply(text=f"没有查到 {number}，请核对一下编号。如果是在别处登记的，先验证手机号，再发一次编号就能查。")
    return Reply(text=words(row))


async def _is_his(connection: Connection, conversation: Conversation, row: dict[str, Any]) -> bool:
    if row["conversation_id"] == conversation.id:
        return True
    known = conversation.identity(datetime.now(UTC))
    if known is None:
        return False
    if known.get("customer_id") and row["customer_id"]:
        return bool(known["customer_id"] == row["customer_id"])
    if row["phone"]:
        return bool(known.get("phone") == row["phone"])
    same = await connection.execute(_SAME_CUSTOMER, (conversation.id, row["conversation_id"]))
    return await same.fetchone() is not None


def words(row: dict[str, Any]) -> str:
    """A ticket as its customer hears of it."""
    number = f"{row['number']}，受理编号 {row['complaint_no']}" if row["complaint_no"] else row["number"]
    kind = ticket_rules.said(row["kind"])
    owner = f"，由客服{row['owner_name']}跟进" if row["owner_name"] and row["state"] in ("working", "waiting") else ""
    said = [f"您的{kind}（{number}）：{STATES[row['state']]}{owner}。"]
    if row["state"] in ("resolved", "closed") and row["resolution"]:
        said.append(f"处理结果：{row['resolution'].rstrip('。')}。")
    elif row["told"]:
        said.append(f"最近进展（{say_time(row['told_at'])}）：{row['told'].rstrip('。')}。")
    if row["kind"] == "callback" and row["state"] in ("open", "working") and row["next_at"]:
        said.append(f"约在 {say_time(row['next_at'])} 给您回电。")
    if row["decide_by"]:
        said.append(f"最晚 {say_day(local_day(row['decide_by']))}给您处理决定。")
    return "".join(said)
