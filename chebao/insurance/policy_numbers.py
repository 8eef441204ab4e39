"""Policy and claim numbers: ours (P + 8 digits, CL + 10 digits) and those of other insurers where the customer says so."""

from __future__ import annotations

import re

from chebao.insurance.found import Found, fold

_SEP = r"[ \-]?"
_POLICY = re.compile(
    rf"(?<![0-9A-Z])(?!CL)P(?:{_SEP}[0-9]){{8}}(?![0-9A-Z])|(?<![0-9A-Z])P[A-Z]{{1,5}}[0-9]{{10,22}}(?![0-9A-Z])"
)
_CLAIM = re.compile(rf"(?<![0-9A-Z])C{_SEP}L(?:{_SEP}[0-9]){{10}}(?![0-9A-Z])")
_LINK = r"(?:码|号码)?[ ]*(?:是|为|:|：)?[ ]*"
_NUMBER = r"(?P<number>(?=[A-Z\-]*[0-9]{4})[0-9A-Z][0-9A-Z\-]{6,24}[0-9A-Z])(?![0-9A-Z])"
_POLICY_SAID = re.compile(r"(?:保单|保险单|保险)号" + _LINK + _NUMBER)
_CLAIM_SAID = re.compile(r"(?:报案|赔案|案件|理赔|立案)(?:编)?号" + _LINK + _NUMBER)
_NOISE = str.maketrans("", "", " -")


def find_policy_nos(text: str) -> list[Found]:
    """Policy numbers, upper case and without spaces or hyphens."""
    folded = fold(text)
    return _collect("policy_no", folded, _POLICY, _POLICY_SAID, not_like=_CLAIM)


def find_claim_nos(text: str) -> list[Found]:
    """Claim numbers, upper case and without spaces or hyphens."""
    folded = fold(text)
    return _collect("claim_no", folded, _CLAIM, _CLAIM_SAID, not_like=_POLICY)


def _collect(
    entity: str, folded: str, own: re.Pattern[str], said: re.Pattern[str], not_like: re.Pattern[str]
) -> list[Found]:
    spans = [match.span() for match in own.finditer(folded)]
    for match in said.finditer(folded):
        start, end = match.span("number")
        overlaps = any(start < right and left < end for left, right in spans)
        if not overlaps and not not_like.match(folded, start):
            spans.append((start, end))
    return [Found(entity, folded[start:end].translate(_NOISE), start, end) for start, end in sorted(spans)]
