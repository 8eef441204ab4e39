"""One way of preparing a customer's text for every component that only reads it as features."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from chebao.insurance.files import packaged_json

MAX_FEATURE_CHARS = 240
"""Longer texts are cut for features: head and tail are kept, where people put what they want."""

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0f\ufeff\u00ad\x00-\x08\x0b-\x1f\x7f]")
_PICTURES = re.compile(r"[\U0001f000-\U0001faff\u2600-\u27bf]|\[[\u4e00-\u9fff]{1,3}\]")
"""Emoji, and WeChat's spelling of them ("[流泪]"): a feeling, never a wish."""


def _simplified() -> dict[int, str]:
    """Traditional to simplified, character by character, from zhconv's table (its module would import setuptools)."""
    tables = packaged_json("zhconv", "zhcdict.json")
    pairs = {**tables["zh2Hans"], **{k: v for k, v in tables.get("zh2CN", {}).items() if len(k) == 1}}
    return {ord(k): v for k, v in pairs.items() if len(k) == len(v) == 1}


_CANTONESE = dict(zip("冇啱俾咗佢嘅喺揸嚟睇唔哋", "没刚被了他的在开来看不们", strict=True))
"""Signs that only Cantonese writes, each with the one of the common language that does the same work ("俾人撞咗", "冇人受伤")."""

SIMPLIFY = _simplified() | {ord(sign): common for sign, common in _CANTONESE.items()}
_FILLERS = re.compile(
    r"(?:(?<=[,，。、 ])|^)(?:那个|就是说|然后呢?)+[,，。、 ]*(?=.{2})|(?:嗯+|呃+|额+(?=[,，。 ])|哦+|啊{2,}|哈{2,})[,，。、 ]*"
)
"""What voice typing leaves in; "那个" only where it stands alone, since "就那个" is an answer."""

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
    text = unicodedata.normalize("NFKC", text).lower().translate(SIMPLIFY)
    text = _INVISIBLE.sub("", text)
    return _SPACES.sub(" ", text).strip()


@lru_cache(maxsize=512)
def for_features(text: str) -> str:
    """`plain` without fillers and long repeats, with numbers of every kind masked by one character each."""
    text = _PICTURES.sub("", plain(text))
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    text = _REPEATS.sub(r"\1\1", text)
    return (_FILLERS.sub("", text) or text).strip(" ,，。.!！~、")
