"""The articles: one for every topic, in the agreed form, in fitting words."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from chebao.knowledge.articles import (
    LAST_SECTION,
    Article,
    ArticleError,
    load_articles,
    load_phrasings,
    parse_article,
    read_article,
    sentences,
)
from chebao.knowledge.weighing import Weighing
from tests.forbidden import PHRASES

TOPICS = {
    "buying": (
        "buy_what_needed buy_documents buy_channels buy_cross_region buy_for_others unregistered_car special_vehicles "
        "duplicate_insurance add_cover_midterm premium_calculation ncd_premium_change payment_methods discounts_gifts "
        "policy_effective policy_documents vehicle_taxes"
    ),
    "renewing": "renewal_howto lapsed_policy switch_insurer",
    "compulsory": "compulsory_coverage compulsory_required compulsory_vs_commercial",
    "covers": (
        "commercial_overview cover_vehicle_damage cover_third_party cover_passenger cover_theft cover_glass cover_scratch "
        "cover_natural_disaster deductible exclusions documents_invalid modification"
    ),
    "claims": (
        "claim_procedure claim_materials claim_time_limits claim_settlement_time loss_assessment liability_split "
        "single_vehicle_accident injury_compensation subrogation unknown_third_party minor_quick_settlement "
        "cross_region_claim total_loss claim_payment claim_refused claim_history insurance_fraud"
    ),
    "service": "surrender ownership_transfer roadside_benefits basic_concepts company_comparison legal_advice",
    "more": (
        "nev_insurance claim_withdraw other_driver underwriting_inspection policy_roles nonmotor_accident indirect_loss "
        "multi_car_offroad relief_fund driver_accident_policy privacy_scam inspection_12123"
    ),
}
FORBIDDEN = PHRASES
GOOD = """---
id: sample
title: 样例
group: covers
questions: [一, 二, 三, 四, 五, 六, 七, 八]
related_dialogue: none
sources: [保险法 第23条（2015-04-24 修正）]
grade: verified
reviewed_on: 2026-11-22
---

第一句话。第二句话。

## 情形
说明。

## 现在可以做什么
报案。
"""


@pytest.fixture(scope="module")
def articles(articles_folder: Path) -> dict[str, Article]:
    return load_articles(articles_folder)


def test_every_topic_has_its_article_in_its_group(articles: dict[str, Article]) -> None:
    expected = {topic: group for group, topics in TOPICS.items() for topic in topics.split()}
    assert {article.id: article.group for article in articles.values()} == expected


def test_lead_is_two_short_sentences(articles: dict[str, Article]) -> None:
    for article in articles.values():
        assert 20 <= len(article.lead) <= 90, article.id
        assert len(sentences(article.lead)) <= 2, article.id
        assert article.lead.endswith("。"), article.id


@pytest.mark.parametrize("topic", [topic for topics in TOPICS.values() for topic in topics.split()])
def test_body_has_cases_an_example_with_figures_and_a_next_step(articles: dict[str, Article], topic: str) -> None:
    article = articles[topic]
    *parts, last = article.sections
    examples = [part for part in parts if part.heading == "举例"]
    assert len(parts) - len(examples) >= 2, "cases"
    assert [re.search(r"\d", example.text) is not None for example in examples] == [True], "one example with figures"
    assert last.heading == LAST_SECTION
    assert len(last.text) >= 15
    assert article.related_dialogue != "none", "no button to go on with"


def test_no_forbidden_phrase_no_competitor_judged(articles_folder: Path) -> None:
    for path in articles_folder.glob("*.md"):
        body = path.read_text(encoding="utf-8").partition("\n---\n")[2]
        for phrase in FORBIDDEN:
            assert phrase not in body, f"{path.name}: {phrase}"
        assert not re.search(r"平安|人保|太平洋|阳光车险|大地保险|保证赔|一定赔|肯定能赔|包赔", body), path.name


#: Figures that nobody has checked against the text of a law: they may stand nowhere in an article as facts.
UNCHECKED = (
    r"伤残系数|×\s*20 年|75 岁|职工月平均工资|"  # injury formulas
    r"年以下有期徒刑|拘役|刑法 第|"  # criminal law
    r"7 日内的抢救|"  # relief fund
    r"60～360|不含增值税车价的 10%|购置税约|"  # taxes
    r"50CC|侧三轮|"  # motorcycle premiums
    r"第 6 年|第 10 年|"  # inspection cycle
    r"主责 70%、|次责 30%|"  # split of liability
    r"认定书 3 日|时效一般为 3 年|3 年以上的人陪同|自担 5% 到 20%"
)


def test_unchecked_figures_are_not_stated(articles: dict[str, Article]) -> None:
    for article in articles.values():
        said = " ".join([article.lead, *article.sources, *(part.text for part in article.sections)])
        assert not re.search(UNCHECKED, said), article.id


def test_law_or_clause_is_named_with_its_date(articles: dict[str, Article]) -> None:
    for article in articles.values():
        assert re.search(r"20\d\d-\d\d-\d\d", " ".join(article.sources)), article.id
        for source in article.sources:
            assert re.search(r"20\d\d-\d\d-\d\d|为准|费率表", source), f"{article.id}: {source}"
        assert date(2026, 11, 22) <= article.reviewed_on, article.id


def test_company_matters_are_left_to_the_policy(articles: dict[str, Article]) -> None:
    for article in articles.values():
        if article.grade == "configurable":
            said = str(article.sources) + str(article.sections) + article.lead
            assert re.search(r"以[^，。；]{1,20}为准", said), article.id


def test_no_question_stands_in_two_articles(articles: dict[str, Article], articles_folder: Path) -> None:
    phrasings = load_phrasings(articles_folder)
    seen: dict[str, str] = {}
    for article in articles.values():
        for question in (*article.questions, *phrasings.get(article.id, ())):
            assert question not in seen, f"{question}: {seen.get(question)} and {article.id}"
            seen[question] = article.id


def test_good_article_is_read() -> None:
    article = parse_article(GOOD, name="sample.md")
    assert article.lead == "第一句话。第二句话。"
    assert [section.heading for section in article.sections] == ["情形", LAST_SECTION]
    assert article.digest != parse_article(GOOD.replace("说明", "改动"), name="sample.md").digest


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("title: 样例", "", "'title'"),
        ("title: 样例", "title: 12", "'title'"),
        ("group: covers", "group: cars", "'group'"),
        ("questions: [一, 二, 三, 四, 五, 六, 七, 八]", "questions: [一, 二]", "'questions'"),
        ("七, 八]", "七, 七]", "'questions'"),
        ("related_dialogue: none", "related_dialogue: sing", "'related_dialogue'"),
        ("sources: [保险法 第23条（2015-04-24 修正）]", "sources: []", "'sources'"),
        ("grade: verified", "grade: sure", "'grade'"),
        ("reviewed_on: 2026-11-22", "reviewed_on: soon", "'reviewed_on'"),
        ("grade: verified", "grade: verified\ncues: ['(']", "'cues'"),
        ("grade: verified", "grade: verified\ndecisive: ['[']", "'decisive'"),
        ("第一句话。第二句话。", "", "'body'"),
        ("第一句话。第二句话。", "一。二。三。", "'body'"),
        ("第一句话。第二句话。", "长" * 91, "'body'"),
        ("## 现在可以做什么\n报案。\n", "", "'body'"),
        ("---\nid", "id", "front matter"),
        ("title: 样例", "title: [", "YAML"),
    ],
)
def test_broken_article_names_file_and_field(old: str, new: str, field: str) -> None:
    assert old in GOOD
    with pytest.raises(ArticleError, match=field) as caught:
        parse_article(GOOD.replace(old, new, 1), name="sample.md")
    assert "sample.md" in str(caught.value)


def test_file_name_must_be_the_id(tmp_path: Path) -> None:
    path = tmp_path / "other.md"
    path.write_text(GOOD, encoding="utf-8")
    with pytest.raises(ArticleError, match="'id'"):
        read_article(path)


def test_missing_or_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArticleError, match="not found"):
        load_articles(tmp_path / "nowhere")
    with pytest.raises(ArticleError, match="no article"):
        load_articles(tmp_path)
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArticleError, match=r"bad\.md"):
        load_articles(tmp_path)


def test_phrasings_must_belong_to_an_article(tmp_path: Path) -> None:
    (tmp_path / "sample.md").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ArticleError, match=r"phrasings\.yml"):
        load_phrasings(tmp_path)
    (tmp_path / "phrasings.yml").write_text("sample: [怎么问]\n", encoding="utf-8")
    assert load_phrasings(tmp_path) == {"sample": ("怎么问",)}
    (tmp_path / "phrasings.yml").write_text("unknown: [怎么问]\n", encoding="utf-8")
    with pytest.raises(ArticleError, match="unknown"):
        load_phrasings(tmp_path)


def test_what_was_learnt_from_customers_is_searched_too(tmp_path: Path) -> None:
    (tmp_path / "sample.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "phrasings.yml").write_text("sample: [怎么问]\n", encoding="utf-8")
    (tmp_path / "learned.yml").write_text("sample: [客户这样问, 怎么问]\n", encoding="utf-8")
    assert load_phrasings(tmp_path) == {"sample": ("怎么问", "客户这样问")}
    (tmp_path / "learned.yml").write_text("gone: [客户这样问]\n", encoding="utf-8")
    with pytest.raises(ArticleError, match=r"learned\.yml.*gone"):
        load_phrasings(tmp_path)


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "sample.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "phrasings.yml").write_text("sample: [怎么问\n  - x: {", encoding="utf-8")
    with pytest.raises(ArticleError, match=r"phrasings\.yml") as caught:
        load_phrasings(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"voices": {}}', '{"voices": {"vectors": "x"}}'])
def test_a_missing_or_damaged_weighing_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "weighing.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ArticleError, match=r"weighing\.json"):
        Weighing.read(path)
