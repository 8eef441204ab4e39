"""Knowledge articles: one Markdown file per topic, read and checked at start-up.

A file is `<topic id>.md`: YAML front matter, a lead of one or two sentences that answers by itself, then `## ` sections.
An article that breaks the form stops the start: a half-read knowledge base would give wrong answers without a sign.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

GROUPS = ("buying", "renewing", "compulsory", "covers", "claims", "service", "more")
DIALOGUES = (
    "new_policy",
    "renewal",
    "report_claim",
    "claim_progress",
    "claim_dispute",
    "policy_query",
    "policy_change",
    "policy_cancel",
    "payment_issue",
    "invoice",
    "roadside_assistance",
    "appointment",
    "complaint",
    "human_agent",
    "none",
)
GRADES = ("verified", "secondary", "configurable")
PHRASINGS = "phrasings.yml"
LEARNED = "learned.yml"
LAST_SECTION = "现在可以做什么"
LEAD_LIMIT = 90
QUESTIONS_MIN, QUESTIONS_MAX = 8, 15

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_SENTENCE = re.compile(r"[^。！？!?]+[。！？!?]?[”』」）]?")


class ArticleError(ValueError):
    """An article file cannot be used; the text names the file and the field, in one line for the operator."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


@dataclass(frozen=True)
class Section:
    """A `## ` section: heading without the marks, text as Markdown."""

    heading: str
    text: str


@dataclass(frozen=True)
class Article:
    """One topic's article.

    Attributes:
        lead: first paragraph, one or two sentences that answer by themselves (at most 90 characters).
        cues: regular expressions over the normalised question; a match says that the question is about this topic.
        decisive: cues that outweigh a cover or scene named beside them ("出险两次的三者险明年多少钱" is about the premium).
        digest: first 12 hex digits of the text's SHA-256, which tells whether a file has changed.
        version: number of the text in the database; 1 for a file that was never stored.
    """

    id: str
    title: str
    group: str
    questions: tuple[str, ...]
    related_dialogue: str
    sources: tuple[str, ...]
    grade: str
    reviewed_on: date
    lead: str
    sections: tuple[Section, ...]
    cues: tuple[str, ...]
    decisive: tuple[str, ...]
    digest: str
    version: int = 1


def digest_of(raw: str) -> str:
    """What tells two texts of an article apart."""
    return hashlib.sha256(raw.encode()).hexdigest()[:12]


def sentences(text: str) -> list[str]:
    """Splits Chinese text after 。！？ and keeps the mark."""
    return [part.strip() for part in _SENTENCE.findall(text) if part.strip()]


def article_files(folder: Path) -> list[Path]:
    """The `*.md` of the folder.

    Raises:
        ArticleError: the folder is missing or empty.
    """
    if not folder.is_dir():
        raise ArticleError(f"{folder}: article folder not found")
    paths = sorted(folder.glob("*.md"))
    if not paths:
        raise ArticleError(f"{folder}: no article (*.md) found")
    return paths


def load_articles(folder: Path) -> dict[str, Article]:
    """Reads every `*.md` of the folder.

    Raises:
        ArticleError: the folder is missing or empty, or a file breaks the form.
    """
    return {article.id: article for article in map(read_article, article_files(folder))}


def load_phrasings(folder: Path) -> dict[str, tuple[str, ...]]:
    """Further ways to ask: ours in `phrasings.yml` beside the articles, and customers' in `learned.yml`, if anything was learnt.

    Raises:
        ArticleError: a file is missing or is not a mapping from article id to a list of texts.
    """
    ours, learned = _phrasings_of(folder / PHRASINGS), folder / LEARNED
    if not learned.exists():
        return ours
    theirs = _phrasings_of(learned)
    topics = [*ours, *(topic for topic in theirs if topic not in ours)]
    return {topic: tuple(dict.fromkeys((*ours.get(topic, ()), *theirs.get(topic, ())))) for topic in topics}


def _phrasings_of(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        fields = _yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ArticleError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(fields, dict):
        raise ArticleError(f"{path}: must map article ids to lists of texts")
    for topic in fields:
        if not path.with_name(f"{topic}.md").exists():
            raise ArticleError(f"{path}: field {topic!r}: there is no article of this id")
    return {topic: _texts(fields, topic, str(path)) for topic in fields}


def read_article(path: Path) -> Article:
    """Reads one file; the file name must be the id.

    Raises:
        ArticleError: naming the file and the field.
    """
    try:
        raw = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArticleError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    article = parse_article(raw, name=str(path))
    if article.id != path.stem:
        raise ArticleError(f"{path}: field 'id': is {article.id!r}, the file name says {path.stem!r}")
    return article


def parse_article(raw: str, *, name: str, version: int = 1) -> Article:
    """Builds an article from its text; `name` is used in error messages."""
    match = _FRONT_MATTER.match(raw.replace("\r\n", "\n"))
    if match is None:
        raise ArticleError(f"{name}: front matter between two '---' lines is missing")
    try:
        fields = _yaml(match[1])
    except yaml.YAMLError as error:
        raise ArticleError(f"{name}: front matter is not YAML: {error}") from error
    if not isinstance(fields, dict):
        raise ArticleError(f"{name}: front matter must be a mapping")
    lead, sections = _body(match[2], name)
    return Article(
        id=_text(fields, "id", name),
        title=_text(fields, "title", name),
        group=_one_of(fields, "group", GROUPS, name),
        questions=_questions(fields, name),
        related_dialogue=_one_of(fields, "related_dialogue", DIALOGUES, name),
        sources=_texts(fields, "sources", name),
        grade=_one_of(fields, "grade", GRADES, name),
        reviewed_on=_date(fields, "reviewed_on", name),
        lead=lead,
        sections=sections,
        cues=_patterns(fields, "cues", name),
        decisive=_patterns(fields, "decisive", name),
        digest=digest_of(raw),
        version=version,
    )


def _yaml(text: str) -> Any:
    """As `yaml.safe_load`, with the parser in C where it is built: the phrasings are thousands of lines."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders


def _body(body: str, name: str) -> tuple[str, tuple[Section, ...]]:
    head, *parts = re.split(r"^## +", body, flags=re.MULTILINE)
    lead = "".join(head.split())
    if not lead:
        raise ArticleError(f"{name}: field 'body': the first paragraph is missing")
    if len(lead) > LEAD_LIMIT:
        raise ArticleError(f"{name}: field 'body': first paragraph has {len(lead)} characters, at most {LEAD_LIMIT}")
    if len(sentences(lead)) > 2:
        raise ArticleError(f"{name}: field 'body': the first paragraph must be one or two sentences")
    sections = []
    for part in parts:
        heading, _, text = part.partition("\n")
        if not heading.strip() or not text.strip():
            raise ArticleError(f"{name}: field 'body': section {heading.strip()!r} has no heading or no text")
        sections.append(Section(heading.strip(), text.strip()))
    if len(sections) < 2 or sections[-1].heading != LAST_SECTION:
        raise ArticleError(f"{name}: field 'body': needs at least two sections, the last one '{LAST_SECTION}'")
    return lead, tuple(sections)


def _value(fields: dict[str, Any], key: str, name: str) -> Any:
    if fields.get(key) in (None, "", []):
        raise ArticleError(f"{name}: field '{key}': is missing")
    return fields[key]


def _text(fields: dict[str, Any], key: str, name: str) -> str:
    value = _value(fields, key, name)
    if not isinstance(value, str):
        raise ArticleError(f"{name}: field '{key}': must be text")
    return value.strip()


def _texts(fields: dict[str, Any], key: str, name: str) -> tuple[str, ...]:
    value = _value(fields, key, name)
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ArticleError(f"{name}: field '{key}': must be a list of texts")
    return tuple(item.strip() for item in value)


def _one_of(fields: dict[str, Any], key: str, allowed: tuple[str, ...], name: str) -> str:
    value = _text(fields, key, name)
    if value not in allowed:
        raise ArticleError(f"{name}: field '{key}': {value!r} is not one of {', '.join(allowed)}")
    return value


def _questions(fields: dict[str, Any], name: str) -> tuple[str, ...]:
    questions = _texts(fields, "questions", name)
    if not QUESTIONS_MIN <= len(questions) <= QUESTIONS_MAX:
        raise ArticleError(
            f"{name}: field 'questions': has {len(questions)}, must be {QUESTIONS_MIN} to {QUESTIONS_MAX}"
        )
    if len(set(questions)) != len(questions):
        raise ArticleError(f"{name}: field 'questions': the same question stands twice")
    return questions


def _patterns(fields: dict[str, Any], key: str, name: str) -> tuple[str, ...]:
    if key not in fields:
        return ()
    patterns = _texts(fields, key, name)
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ArticleError(f"{name}: field '{key}': {pattern!r} is not a regular expression: {error}") from error
    return patterns


def _date(fields: dict[str, Any], key: str, name: str) -> date:
    value = _value(fields, key, name)
    if isinstance(value, date):
        return value
    raise ArticleError(f"{name}: field '{key}': must be a date such as 2026-11-22")
