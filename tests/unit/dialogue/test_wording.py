"""The service manual's forbidden phrases, promises and gifts stand in no text that a customer may read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from chebao.settings import ROOT

#: Written in our programs, said by the assistant, the hub or the insurer's pages.
CODE = (
    "actions",
    "channels",
    "chebao/backoffice",
    "chebao/conversations",
    "chebao/insurance",
    "chebao/knowledge",
    "chebao/outreach",
)
PAGES = ("chebao/backoffice/reference/pages/*.html", "web/src/**/*.ts", "web/*.html")

FORBIDDEN = re.compile(
    r"这不是我的责任|[您你](搞|弄)错了|这是规定|没办法|等一下|我不知道|不可能|绝对不行|[您你]必须|[您你]应该|这很简单"
)
PROMISE = re.compile(
    r"(一定|保证|肯定|绝对|包|必)(能|会|可以|给您)?(全额)?(赔|退)(?!偿责任|付责任)|全额赔付|百分百赔|100\s*[%％]\s*(赔|理赔)"
    r"|(可以|能|会|将)(赔|赔付|赔偿)您?\s*\d|赔(付|偿)?给?您\s*\d|预计(能|可以)?赔"
)
GIFT = re.compile(r"返现|返点|返利|回扣|礼品|赠品|赠送|红包|抽奖|油卡|购物卡|优惠券|代金券|送您(?!回|到|去|上|一程)")
#: The one article whose subject they are, and which says that the law forbids them.
ABOUT_GIFTS = "data/articles/discounts_gifts.md"


def sentences(text: str) -> list[str]:
    """The text's sentences."""
    return [s for s in re.split(r"(?<=[。！？!?；;\n])", text) if s.strip()]


def literals(path: Path) -> Iterator[str]:
    """The Chinese texts of a module: no docstrings, no regular expressions (they hold customers' words)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = node.func.value
            if isinstance(called, ast.Name) and called.id == "re":
                skipped |= {id(part) for argument in node.args for part in ast.walk(argument)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            text = node.value
            if re.search(r"[\u4e00-\u9fff]", text) and not re.search(r"\||\(\?|\.\{", text):
                yield text


def texts() -> Iterator[tuple[str, str]]:
    """Every (file, text) that may reach a customer."""
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text in literals(path):
                yield str(path.relative_to(ROOT)), text
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    for variants in domain["responses"].values():
        for variant in variants:
            yield "domain.yml", variant["text"]
    for path in sorted((ROOT / "data" / "articles").glob("*.md")):
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        yield str(path.relative_to(ROOT)), f"{yaml.safe_load(head)['title']}\n{body}"
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


TEXTS = list(texts())


def found(pattern: re.Pattern[str]) -> list[str]:
    """The sentences in which `pattern` stands, with their files."""
    return [
        f"{where}: {sentence.strip()}"
        for where, text in TEXTS
        for sentence in sentences(text)
        if pattern.search(sentence)
    ]


def test_all_kinds_of_texts_are_looked_at() -> None:
    files = {where for where, _ in TEXTS}

    assert len(TEXTS) > 500
    assert {"domain.yml", "actions/claim.py", "data/articles/discounts_gifts.md"} <= files
    assert any(where.endswith("cashier.html") for where in files)
    assert any(where.startswith("chebao/outreach/") for where in files)


def test_no_forbidden_phrase() -> None:
    assert found(FORBIDDEN) == []


def test_no_promise_of_a_payment() -> None:
    assert found(PROMISE) == []


def test_no_gift_or_rebate() -> None:
    assert [hit for hit in found(GIFT) if not hit.startswith(ABOUT_GIFTS)] == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (FORBIDDEN, "抱歉，这是规定。"),
        (FORBIDDEN, "您必须先交费。"),
        (PROMISE, "您放心，一定会赔。"),
        (PROMISE, "这次可以赔您 3000 元。"),
        (GIFT, "今天投保送您一张油卡。"),
    ],
)
def test_what_is_looked_for_is_found(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)
