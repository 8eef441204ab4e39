"""How a text sounds: typing by pinyin or voice swaps characters of one sound ("续宝", "交强显"), and dialects blur sounds further."""

from __future__ import annotations

FIRST, LAST = 0x4E00, 0x9FA5
_LETTER = 0xE000
"""Each syllable is one private character, so that n-grams of sounds are cut like n-grams of characters."""

_BLURRED = (("zh", "z"), ("ch", "c"), ("sh", "s"))


def table() -> str:
    """The sound of every character from `FIRST` to `LAST`. Needs pypinyin: training only, the model keeps the result."""
    from pypinyin import lazy_pinyin

    letters: dict[str, str] = {}
    sounds = []
    for code in range(FIRST, LAST + 1):
        syllable = blurred(lazy_pinyin(chr(code))[0])
        sounds.append(letters.setdefault(syllable, chr(_LETTER + len(letters))))
    return "".join(sounds)


def blurred(syllable: str) -> str:
    """Without the differences that much of China does not hear: zh/z, ch/c, sh/s, and -ng/-n."""
    for heard, kept in _BLURRED:
        if syllable.startswith(heard):
            syllable = kept + syllable[len(heard) :]
    return syllable.removesuffix("g") if syllable.endswith("ng") else syllable


def translation(sounds: str) -> dict[int, str]:
    """For `str.translate`, from the string that `table` gave."""
    return {FIRST + i: sound for i, sound in enumerate(sounds)}
