"""Questions of nearly the same words about another matter: who is liable, whose car, which cover, before or after."""

from __future__ import annotations

import pytest

from chebao.knowledge.search import KnowledgeBase

# Question, the article that answers it, and a part of its section's heading where both are answered in one article.
PAIRS = [
    (("全责对方的车怎么赔", "liability_split", "我全责"), ("对方全责我的车怎么赔", "liability_split", "对方全责")),
    (("我主责对方次责怎么赔", "liability_split", "主责"), ("我和对方同责怎么赔", "liability_split", "同等责任")),
    (("对方无责他的车怎么赔", "liability_split", "我全责"), ("我无责自己的车怎么赔", "liability_split", "我无责")),
    (("撞了人跑了保险还赔吗", "exclusions", ""), ("车被撞了对方跑了保险还赔吗", "unknown_third_party", "")),
    (("我车上的乘客受伤了怎么赔", "cover_passenger", ""), ("我把路人撞伤了要赔哪些钱", "injury_compensation", "")),
    (("车险没到期能提前续吗", "renewal_howto", ""), ("车险到期了没续会怎么样", "lapsed_policy", "")),
    (("车卖掉了商业险怎么退", "surrender", ""), ("车过户了商业险怎么改名字", "ownership_transfer", "")),
    (("外地牌照的车在本地怎么买保险", "buy_cross_region", ""), ("车在外地出险了怎么走保险", "cross_region_claim", "")),
    (("出险后多久之内要报案", "claim_time_limits", ""), ("报案后多久能拿到赔款", "claim_settlement_time", "")),
    (("停着的车被人划了一道", "cover_scratch", ""), ("停着的车被撞了找不到人", "unknown_third_party", "")),
    (("对方全责就是不赔钱怎么办", "subrogation", ""), ("保险公司就是不赔钱怎么办", "claim_refused", "")),
    (("交强险买了两份怎么退", "duplicate_insurance", ""), ("车险买了不想要了怎么退", "surrender", "")),
    (("出过一次险明年保费涨多少", "ncd_premium_change", ""), ("车险一年的保费怎么算出来的", "premium_calculation", "")),
    (("交强险赔人赔多少", "compulsory_coverage", ""), ("没买交强险罚多少", "compulsory_required", "")),
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0][0])
def test_questions_that_only_look_alike_are_told_apart(
    knowledge: KnowledgeBase, pair: tuple[tuple[str, str, str], tuple[str, str, str]]
) -> None:
    for question, topic, heading in pair:
        first = knowledge.search(question)[0]
        assert first.article.id == topic, question
        if heading:
            assert first.section is not None
            assert heading in first.section.heading, question
