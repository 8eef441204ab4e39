"""Whole messages that the hub understands by itself, so that they work while the dialogue service is away."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

_EDGES = re.compile(r"^[\s\W_]+|[\s\W_]+$")
_PERSON = re.compile(
    r"(我要|我想|请|帮我|给我)*(转|接|找|转接|要)?(人工|人工客服|人工服务|人工坐席|真人|真人客服)(吧|谢谢)?"
)
_BACK = re.compile(
    r"(返回|回到|切回|转回|找|用)(智能)?(机器人|智能客服)(吧|服务)?"
    r"|(不用|不要|不找|不需要|取消)(转)?人工(客服|服务)?(了|吧|排队)*"
    r"|(取消|退出|不|不用)(再)?(排队)(了|吧)?|不(想)?等了"
)
_LEAVES = re.compile(r"(我要|我想|请|帮我|给我)*(退出|注销)(我的)?(登录|登陆|身份|账号)(状态)?(吧|谢谢)?")
_FORGETS = re.compile(
    r"(我要|我想|请|帮我|给我)*(解除|取消)(我的)?(账号|微信|渠道)?(关联|绑定)(吧|谢谢)?"
    r"|(请|帮我)*(把)?我的(个人)?信息(都|全部|全)?(忘掉|忘了|清掉|清除)(吧|谢谢)?|(请|帮我)*(忘掉|忘了|清除)我的(个人)?信息(吧|谢谢)?"
)
_DELETES = re.compile(
    r"(我要|我想|请|帮我|给我|把)*(删除|删掉|删了|清除|抹掉|注销)(掉)?我的(所有|全部)?(个人)?(信息|资料|数据|账号)(吧|谢谢)?"
    r"|(我要|我想|请|帮我)*把我的(所有|全部)?(个人)?(信息|资料|数据|账号)(都|全部|全)?(删除|删掉|删了|抹掉|注销)(掉|了)?(吧|谢谢)?"
)
_WITHDRAWN = re.compile(r"(我要|我想)?(撤回|取消|收回)(我的)?同意")


def plain(text: str) -> str:
    """The words of a short message: half width, lower case, without blanks and marks around it."""
    return _EDGES.sub("", unicodedata.normalize("NFKC", text)).replace(" ", "").casefold()


def wants_person(text: str) -> bool:
    """Whether the message as a whole asks for a person."""
    return len(text) <= 40 and bool(_PERSON.fullmatch(plain(text)))


def wants_bot_back(text: str) -> bool:
    """Whether the message as a whole asks to leave the queue."""
    return len(text) <= 40 and bool(_BACK.fullmatch(plain(text)))


def withdraws_consent(text: str) -> bool:
    """Whether the message as a whole takes back a consent."""
    return len(text) <= 40 and bool(_WITHDRAWN.fullmatch(plain(text)))


Forgetting = Literal["here", "everywhere", "deletion"]
"""In this conversation; in all that are linked; the same, and the customer wants all we keep of him deleted (PIPL 47)."""


def forgets(text: str) -> Forgetting | None:
    """Whether the message as a whole asks to forget who the customer is."""
    words = plain(text) if len(text) <= 40 else ""
    if _DELETES.fullmatch(words):
        return "deletion"
    if _FORGETS.fullmatch(words):
        return "everywhere"
    return "here" if _LEAVES.fullmatch(words) else None


def readable(text: str) -> str:
    """The text as the database can keep it: no NUL or other control characters, no lone surrogates."""
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return kept.replace("�", "").strip()
