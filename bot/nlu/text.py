"""One way of preparing a customer's text for every component that only reads it as features."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_FEATURE_CHARS = 240
"""Longer texts are cut for features: head and tail are kept, where people put what they want."""

_TRADITIONAL = (
    "車车險险報报續续賠赔單单費费撞撞電电話话號号碼码傷伤員员時时間间處处辦办買买賣卖請请問问嗎吗麼么這这個个們们給给對对"
    "沒没還还過过錯错誤误說说謝谢開开關关門门點点線线網网銀银錢钱發发轉转換换經经業业務务種种樣样幾几兩两萬万億亿無无"
    "與与為为從从來来後后體体實实際际現现見见覺觉聽听讓让認认識识證证據据權权責责擔担償偿償偿應应該该願愿擇择級级價价"
    "額额減减優优惠惠保保滿满險险醫医藥药療疗護护損损壞坏輪轮胎胎燈灯鏡镜劃划擦擦颱台風风澇涝盜盗搶抢燒烧著着動动"
    "機机構构東东門门區区縣县鄉乡鎮镇廣广場场環环橋桥隧隧團团隊队長长張张劉刘陳陈楊杨趙赵黃黄吳吴孫孙馬马羅罗鄭郑"
    "帳账戶户繳缴納纳稅税訂订約约聯联絡络繫系臺台灣湾國国內内層层頭头臉脸靜静鬧闹緊紧張张氣气罵骂騙骗訴诉舉举檢检查查"
)
_SIMPLIFY = {ord(_TRADITIONAL[i]): _TRADITIONAL[i + 1] for i in range(0, len(_TRADITIONAL), 2)}

_FILLERS = re.compile(r"(?:那个|就是说|嗯+|呃+|额+(?=[,，。 ])|哦+|啊{2,}|哈{2,})[,，。、 ]*")
_SPACES = re.compile(r"\s+")
_REPEATS = re.compile(r"([^\d])\1{2,}")
_MASKS = (
    (re.compile(r"https?://\S+"), "链"),
    (re.compile(r"(?<![0-9])\d{17}[0-9x](?![0-9a-z])"), "⑱"),
    (re.compile(r"(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"), "⑪"),
    (
        re.compile(
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][ .·-]?[a-z][ .·-]?[a-z0-9]{4,5}[a-z0-9学警挂港澳]"
        ),
        "⑦",
    ),
    (re.compile(r"(?<![a-z0-9])cl\s?\d{8,12}(?!\d)"), "⑩"),
    (re.compile(r"(?<![a-z0-9])p\s?\d{6,12}(?!\d)"), "⑧"),
    (re.compile(r"(?<![a-z0-9])(?=[a-z]*\d)[a-hj-npr-z0-9]{17}(?![a-z0-9])"), "⑰"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "0"),
)


@lru_cache(maxsize=512)
def plain(text: str) -> str:
    """NFKC, lower case, simplified characters, single spaces; cut to `MAX_FEATURE_CHARS`."""
    if len(text) > MAX_FEATURE_CHARS:
        half = MAX_FEATURE_CHARS // 2
        text = text[:half] + text[-half:]
    text = unicodedata.normalize("NFKC", text).lower().translate(_SIMPLIFY)
    return _SPACES.sub(" ", text).strip()


@lru_cache(maxsize=512)
def for_features(text: str) -> str:
    """`plain` without fillers and long repeats, with numbers of every kind masked by one character each."""
    text = plain(text)
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    text = _REPEATS.sub(r"\1\1", text)
    return (_FILLERS.sub("", text) or text).strip(" ,，。.!！~、")
