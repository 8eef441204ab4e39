"""Everything the hub itself says to a customer, in Chinese."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from json import dumps
from zoneinfo import ZoneInfo

from chebao.conversations.commands import Forgetting
from chebao.conversations.service import Wait
from chebao.conversations.types import Reply

_SHANGHAI = ZoneInfo("Asia/Shanghai")

HUMAN = {"title": "转人工", "payload": "/human_agent"}
BACK_TO_BOT = {"title": "返回机器人", "payload": "/hub_back_to_bot"}
KEEP_WAITING = {"title": "继续等", "payload": "/hub_keep_waiting"}
CALLBACK = {"title": "预约回电", "payload": "/hub_callback"}
MESSAGE = {"title": "留言", "payload": "/hub_leave_message"}
_ABROAD = [
    {"title": "同意", "payload": '/hub_abroad{"given": true}'},
    {"title": "不同意，用网页办", "payload": '/hub_abroad{"given": false}'},
]

EMPTY = "没有收到文字内容，请直接输入您要咨询或办理的事情。"
TOO_LONG = "这条消息超过 20000 字了，请分成几条发送，或只写要点。"
UNREADABLE = "这条消息里没有能识别的文字，请用文字描述，或在聊天页面发送图片。"
STALE_BUTTON = "这个选项已经失效了，请直接用文字告诉我，或点最新消息里的选项。"


def privacy(company: str, hotline: str) -> Reply:
    """First contact under PIPL 17: who, why, how, how long, which rights. It asks nothing."""
    return Reply(
        text=(
            f"您好，我是{company}的智能客服（机器人），随时发送“人工”可转人工客服。\n"
            f"{company}处理您发来的内容，只用于解答咨询和办理您要的车险业务，由程序自动处理，承保、理赔人员按需查看；"
            "聊天记录保存 3 年，保单和理赔资料依《保险法》在合同终止后至少保存 5 年。\n"
            f"您可以随时要求查阅、复制、更正、删除或停止使用，联系 {hotline} 或发送“人工”即可。"
        )
    )


def abroad(hotline: str, chat_url: str) -> Reply:
    """Before the first turn on a channel whose servers stand abroad: who gets what, how to object, and the question (PIPL 39)."""
    return Reply(
        text=(
            "Telegram 由境外公司 Telegram Messenger Inc. 运营（联系方式见 telegram.org/support）。您在这里发的文字、照片、"
            "位置、手机号和您的账号，会经过它在境外的服务器传给我们，只用于收发您和我们的对话；"
            "您可以在 Telegram 里删除聊天，也可以要求它查阅、删除。\n"
            f"不同意也不影响办理：请用网页 {chat_url} 或电话 {hotline}；同意后随时发送“撤回同意”就能停用。"
            "有人受伤请先拨打 120、122。\n"
            "您同意在 Telegram 上跟我们沟通吗？"
        ),
        buttons=_ABROAD,
    )


def abroad_again() -> Reply:
    """While that question is open."""
    return Reply(text="您的消息先替您留着。点“同意”我马上处理；不同意就请用网页办理。您同意吗？", buttons=_ABROAD)


def abroad_agreed() -> Reply:
    """The customer agreed before he said anything else."""
    return Reply(text="好的，已经记下。请直接告诉我您要咨询或办理的事情。")


def abroad_declined(hotline: str, chat_url: str) -> Reply:
    """The customer did not agree, or took it back."""
    return Reply(
        text=f"好的，这里不再处理您的消息。请打开网页 {chat_url} 继续，或拨打 {hotline}。改主意了，再发一条消息就行。"
    )


def forgotten(how: Forgetting, hotline: str) -> Reply:
    """Link and proof of who the customer is are gone."""
    where = "已退出，这里不再记得您的身份" if how == "here" else "所有渠道的关联和身份验证都已解除"
    text = f"好的，{where}，没填完的内容也不再保留。再办业务时，重新验证一下手机就行。"
    if how == "deletion":
        text += (
            "\n聊天记录、保单和理赔资料要依法保存到期限为止，不作他用；其余的个人信息想删除，"
            f"请发送“人工”或拨打 {hotline}，核实是您本人后为您删除。"
        )
    return Reply(text=text)


def apology() -> Reply:
    """After a turn that failed or ran out of time."""
    return Reply(
        text="抱歉，刚才这条消息没有处理成功。您可以再发一次，也可以点“转人工”由客服为您处理。", buttons=[HUMAN]
    )


def outage() -> Reply:
    """While the dialogue service is away; the message stays pending."""
    return Reply(
        text="抱歉，智能客服暂时连接不上。您的消息已经收到，恢复后会马上回复；着急的话请点“转人工”或发送“人工”。",
        buttons=[HUMAN],
    )


def still_working() -> Reply:
    """When the door's caller has waited as long as it may."""
    return Reply(text="您的消息已经收到，正在处理，请稍候。")


def too_fast() -> Reply:
    """While more messages of a customer wait than can be answered."""
    return Reply(text="您发得有点快，前面的消息我正在处理。请稍等我回复，再把没有回答到的补发一次。")


def queued(wait: Wait, wait_minutes: int, keep_bot: bool, *, callback: bool) -> Reply:
    """Right after a hand-off.

    Args:
        callback: a call-back can be had instead; it is offered where the wait will be long.
    """
    place = f"目前排在第 {wait.place} 位{_lasts(wait)}"
    if keep_bot:
        return Reply(text=f"已为您优先转接人工客服，{place}。等待期间我们接着办，不会中断。")
    long = not wait.present or (wait.low is not None and wait.low >= wait_minutes)
    there = "接通后客服会直接在这里回复您" if wait.present else "现在没有客服在线，有客服上线会马上接通"
    return Reply(
        text=f"已为您转接人工客服，{place}，{there}。{wait_minutes} 分钟内没有接通，我会先继续为您服务。",
        buttons=[BACK_TO_BOT, *([CALLBACK] if callback and long else [])],
    )


def queued_at_night(words: str, hotline: str, keep_bot: bool, *, callback: bool) -> Reply:
    """Instead of it, for what cannot wait until people serve again.

    Args:
        words: of the reason, see `chebao.handoff.Reason.closed_words`.
    """
    buttons = [] if keep_bot else [BACK_TO_BOT, *([CALLBACK] if callback else [])]
    return Reply(text=f"{words}也可以拨打客服热线 {hotline}。", buttons=buttons)


def _lasts(wait: Wait) -> str:
    """The estimate in words; nothing where nothing can honestly be said."""
    if wait.low is None or wait.high is None:
        return ""
    if wait.low == 0:
        return f"，预计 {wait.high} 分钟内接通"
    return f"，预计等待 {wait.low} 分钟" if wait.low == wait.high else f"，预计等待 {wait.low}–{wait.high} 分钟"


def still_queued(wait: Wait) -> Reply:
    """While queued, at most once a minute."""
    return Reply(
        text=f"您正在排队等待人工客服，目前第 {wait.place} 位{_lasts(wait)}。您的消息已经留给客服，接通后会一并处理。",
        buttons=[BACK_TO_BOT],
    )


def waits_long(left: timedelta, *, callback: bool) -> Reply:
    """Shortly before the bot takes the conversation back: the customer chooses."""
    seconds = round(left.total_seconds())
    span = f"{seconds // 60} 分钟" if seconds >= 60 else f"{seconds} 秒"
    offer = "继续等、约个时间回电，或者先由我来办" if callback else "继续等，或者先由我来办"
    return Reply(
        text=f"让您久等了，客服这会儿还没空出来。您可以{offer}；{span}内没有选，我就先继续为您服务。您想怎么办？",
        buttons=[KEEP_WAITING, *([CALLBACK] if callback else []), BACK_TO_BOT],
    )


def waits_on(wait: Wait) -> Reply:
    """The customer chose to wait."""
    return Reply(text=f"好的，继续为您排队，目前第 {wait.place} 位{_lasts(wait)}。接通后客服会直接在这里回复您。")


def closed_now(opens: datetime | None, hotline: str, *, again: bool, urgent: bool) -> Reply:
    """Somebody asks for a person while nobody serves; said in full once until they open."""
    when = _when(opens) if opens else ""
    buttons = [MESSAGE, CALLBACK]
    if again:
        return Reply(
            text=f"人工客服{f'{when}开始服务' if when else '现在不在'}。您想留言，还是约个时间给您回电？",
            buttons=buttons,
        )
    call = f"急事请拨打 {hotline}。" if urgent else ""
    return Reply(
        text=(
            f"人工客服现在不在班{f'，{when}开始服务' if when else ''}。{call}"
            "您可以留言，或约个时间我们给您回电；其他事我接着为您办。您想留言还是约回电？"
        ),
        buttons=buttons,
    )


def _when(at: datetime) -> str:
    local = at.astimezone(_SHANGHAI)
    return f" {local.month}月{local.day}日 {local:%H:%M} "


def leave_message() -> Reply:
    """The customer wants to leave a message."""
    return Reply(text="请把要说的发过来，客服一上班就处理，并在这里回复您。您想留什么话？")


def callback_phone() -> Reply:
    """Whom to call, where that is not known."""
    return Reply(text="不方便接电话，就说“在这里回复”。请发您方便接听的手机号。")


def callback_time(times: list[str]) -> Reply:
    """When to call."""
    offered = [{"title": t, "payload": "/hub_time" + dumps({"words": t}, ensure_ascii=False)} for t in times]
    return Reply(text="您方便哪天几点接电话？比如“明天上午十点”。", buttons=offered)


def never_mind() -> Reply:
    """He wants neither after all."""
    return Reply(text="好的，不用了就先放着。还有什么要办的，直接告诉我就行。")


def _scores(about: str) -> list[dict[str, str]]:
    """Ascending, so that the number of a button in a list is its score."""
    words = ("很不满意", "不满意", "一般", "满意", "很满意")
    return [
        {"title": f"{n} 分 {word}", "payload": "/hub_score" + dumps({"score": n, "about": about})}
        for n, word in enumerate(words, 1)
    ]


def score(about: str) -> Reply:
    """After a finished task."""
    return Reply(text="1 分很不满意，5 分很满意。这次办得怎么样，您打几分？", buttons=_scores(about))


def with_score(notice: Reply, about: str) -> Reply:
    """A closing notice that also asks how satisfied the customer is, in one bubble."""
    return replace(
        notice, text=f"{notice.text}\n1 分很不满意，5 分很满意。这次人工服务您打几分？", buttons=_scores(about)
    )


def scored(value: int) -> Reply:
    """A score was given."""
    if value <= 2:
        return Reply(text="抱歉没有让您满意，谢谢您告诉我们。会有同事来了解情况、跟您联系。")
    return Reply(text="谢谢您的评价！还有什么要办的，随时叫我。")


def scored_before() -> Reply:
    """It has been answered, or nothing was asked."""
    return Reply(text="您的评价已经记下了，谢谢！")


def returned_on_request() -> Reply:
    """The customer left the queue."""
    return Reply(text="好的，已取消排队，由我继续为您服务。请接着刚才的内容说，或告诉我您要办理什么。")


def returned_after_wait(hotline: str, *, alerted: bool) -> Reply:
    """Nobody took the conversation in time.

    Args:
        alerted: supervisors were called to it.
    """
    told = "这件事已按最急的等级提醒主管，会尽快联系您；" if alerted else ""
    return Reply(
        text=f"抱歉，人工客服目前都在忙，让您久等了。{told}先由我继续为您服务；急事请拨打 {hotline}，也可以再次转人工。",
        buttons=[HUMAN],
    )


def taken_by_agent(name: str) -> Reply:
    """An agent took the conversation."""
    return Reply(text=f"客服{name}已接入，接下来由{name}为您服务。")


def passed_on(name: str) -> Reply:
    """Another agent goes on with it."""
    return Reply(text=f"接下来由客服{name}为您服务，前面的内容都看得到，您不用再说一遍。")


def returned_by_agent() -> Reply:
    """The agent gave the conversation back; what the bot asks next follows."""
    return Reply(text="客服已处理完，由我继续为您服务。")


def closed_by_agent() -> Reply:
    """The agent ended the conversation."""
    return Reply(text="本次人工服务已结束。还有要办的，直接在这里说就行。")


def go_on() -> Reply:
    """The dialogue could not go on by itself after an agent."""
    return Reply(text="请接着刚才的内容说，或告诉我您要办理什么。")


def bot_is_here() -> Reply:
    """The customer pressed an old "返回机器人" while the bot is on anyway."""
    return Reply(text="现在就是我在为您服务，请直接告诉我您要咨询或办理的事情。")


def second_failure() -> Reply:
    """Before the hand-off after two failed turns running."""
    return Reply(text="抱歉，连续两次没有处理成功，我请人工客服来帮您。")
