"""Signs in a customer's words that steer a dialogue: a correction, a wish to stop, a wish for something else."""

from __future__ import annotations

import re
from typing import Final

_CORRECTION: Final = re.compile(
    r"(说|填|写|选|报|打|输|记|弄|搞|点|按|发)错|(?<![开走停拐转没])错了?(?=[，,。！! ]|$)|有误|不对[，,。!！ ]|^不对|不太对|更正|纠正|改(一)?下|改个|改成|改为|改到|修改|重新填|换成|应该是|应为"
    r"|不是.{0,14}[，,。 ](而|应该)?是|还是(选|换|改|用|按)"
)
_NEW_VALUE: Final = re.compile(r"(?:改成|改为|改到|应该是|应为|换成|其实是|而是|写成|是|[：:])\s*[:：]?")
_NAMED_VALUE: Final = re.compile(r"^(我?的?|事故|出险|那个)?[\u4e00-\u9fff]{2,4}(号|号码)?(应该)?(是|为|[：:])")
_WISH: Final = re.compile(
    r"^(对了|另外|那|先|等等|等会儿?|顺便|麻烦|请|我|能|可以|[，, ])*(先)?(帮我|给我|我要|我想|想|要|办|查)(?!求)"
)
_STOP: Final = re.compile(
    r"^(那)?(还是)?(算了|取消|停止|退出|先?不办了|先?不买了|先?不报了|先?不弄了|先不办|先?不续了|先?不查了|别办了|不投了)|算了.{0,3}不"
)
_GIVES_UP: Final = re.compile(
    r"(算了|私了了?)[^。]{0,20}不(报(?!警)|办|买|续|查|弄|投|退|约|叫|走)[^，。警]{0,2}了|不报案了|不走保险了"
)
_POLITE_NO: Final = re.compile(r"^(都|先|暂时)?不(用|要|需要|想)")
_FILLER: Final = re.compile(
    r"^(嗯+|恩+|好+的?|哦+|噢|喔|啊+|行|可以|是的?|对的?|知道了?|收到|明白|谢谢|ok|okay|yes|no|哈+|呵+|没有?|不|无)[吧呀啊的哦了。.!！~？?\s]*$",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"[\u4e00-\u9fffA-Za-z0-9]")
_DENIED: Final = re.compile(r"^(不对|不是|不行|有错|有误|错了|不正确|不可以|不确认|先别|等下|等等|no)", re.IGNORECASE)
_AGAIN: Final = re.compile(
    r"没(太|怎么)?听(太)?(清|懂|明白|到)|没(太|怎么)?(看|搞|弄)(太)?(懂|明白)|再(说|讲|发|问)一?(遍|次|下)|重复一?(遍|次|下)|^(你|这|这话|这个)?(是)?(什么|啥)意思"
)
_WAIT: Final = re.compile(
    r"(那|你|您|请|先|麻烦)*(稍等|等(一)?(下|会儿?|等)|等我)(一?(下|会儿?|看看|找找|问问|查查))?([，, ]*(我|这边|这会儿?|现在)*(有点|有个|还有点|正?在)?(事情?|忙|开车|开会|接?个?电话)(呢|了)?|[，, ]+(手机|短信|证件?|行驶证|我去).{0,8})?[吧啊呀哈。.!！]*"
    r"|(我)?(现在|这会儿?|先|正)?(在?(开车|开会|忙)|有点事|去忙|忙着)(呢|了)?[，, ]*(等?(一会儿?|会儿?|下)(再)?(说|弄|来|聊|回你))?[吧啊呀哈。.!！]*"
    r"|((你|您|请|先)*(稍等|等(一)?(下|会儿?|等))[，, ]*)?([^，。]{0,6}(叫|找)我(了|呢|过去)?|我?先(去|处理|挪车|接个?电话)[^，。]{0,6})[吧啊呀哈。.!！]*"
)
_WHY: Final = re.compile(
    r"(为什么|为啥|为何|干嘛|干吗|凭什么|怎么还)(非得?|一定)?(要|得|问|需要|还要)|(要|拿|填|给)[^，。？?]{0,6}(干什么|干嘛|干啥|做什么|有什么用|有啥用)|(一定|必须|非)(要|得)(给|填|说|发|提供)|(能|可以)不(填|说|给|发|提供)|(不想|不方便|不愿意?)(说|填|给|发|提供|透露|告诉)"
)
_CALL_BACK: Final = re.compile(
    r"(给|跟)我(打|回|来)(一?个)?电话|(回|打)(一?个)?(电话|电)给我|打给我|给我回电|(安排|让)[^，。]{0,6}(打|回)(一?个)?电话|电话(联系我|里(聊|说|谈))"
)


def asks_to_wait(text: str) -> bool:
    """ "先等一下，我有点事": the whole message asks for patience."""
    return len(text) <= 20 and _WAIT.fullmatch(text.strip()) is not None


def asks_why(text: str) -> bool:
    """ "为什么要手机号", "车牌不想说": asks for the purpose of the question itself, or doubts it."""
    return len(text) <= 24 and _WHY.search(text) is not None


def wants_call_back(text: str) -> bool:
    """ "你下午给我打电话吧"."""
    return len(text) <= 30 and _CALL_BACK.search(text) is not None


def is_correction(text: str) -> bool:
    """ "时间说错了", "不是京A12345，是京A12346", "不是，是大众", "改一下", "还是选全面的吧"."""
    return bool(_CORRECTION.search(text))


def corrected_to(text: str) -> str:
    """What stands behind the last "改成", "应该是" or "是", or "" where there is no such word."""
    parts = _NEW_VALUE.split(text)
    return parts[-1].strip(" ，,。.！!了") if len(parts) > 1 else ""


def names_a_value(text: str) -> bool:
    """ "时间是昨天下午三点": a name and what it is."""
    return bool(_NAMED_VALUE.match(text))


def is_wish(text: str) -> bool:
    """Whether the words plainly ask for something to be done, as against an answer that is a story."""
    return bool(_WISH.search(text))


def is_stop(text: str) -> bool:
    """Whether the words stop what is going on."""
    return bool(_STOP.search(text))


def is_polite_no(text: str) -> bool:
    """ "不用了": no to the question where it can be, else the wish to stop."""
    return bool(_POLITE_NO.match(text))


def gives_up(text: str) -> bool:
    """ "算了，他赔我三百，不报了": no answer to any question, whatever else it tells."""
    return len(text) <= 30 and _GIVES_UP.search(text) is not None


def refuses(text: str) -> bool:
    """Whether any word of the text says no or stop."""
    return bool(re.search(r"不|算了|停|取消|退出|别|没必要|放弃|撤", text))


def asks(text: str) -> bool:
    """Whether the words end as a question does; "好几天了吧" only sounds like one."""
    return bool(re.search(r"[?？吗呢]\s*$", text))


def asks_again(text: str) -> bool:
    """Whether the question itself was not heard or understood ("没听清"), which is no "没有"."""
    return len(text) <= 20 and _AGAIN.search(text) is not None


def is_filler(text: str) -> bool:
    """ "嗯", "好的", "😂": says nothing that a free field could keep."""
    return bool(_FILLER.match(text.strip())) or not _WORDS.search(text)


def is_denial(text: str) -> bool:
    """A no to a read-back."""
    return bool(_DENIED.match(text.strip()))
