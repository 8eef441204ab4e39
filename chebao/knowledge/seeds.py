"""The articles' files as the seed of the database: each is stored as a published version, again whenever it changes.

An article whose file is gone answers no more; its versions stay, and an editor may publish one again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import psycopg

from chebao.knowledge.articles import Article, article_files, digest_of, read_article

#: Serialises the seeding of several processes that start together.
_LOCK: Final = 7_340_021
FILES: Final = "data/articles"


def seed_database(url: str, folder: Path) -> int:
    """`seed` over a connection of its own."""
    with psycopg.connect(url) as connection:
        return seed(connection, folder)


def seed(connection: psycopg.Connection[Any], folder: Path) -> int:
    """Stores new and changed files as published versions and withdraws what has no file any more.

    Idempotent, safe in several processes.

    Returns:
        How many files were stored.

    Raises:
        ArticleError: the folder is missing or empty, or a file breaks the form; nothing is stored or withdrawn then.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    known = dict(connection.execute("SELECT id, file_digest FROM knowledge.articles").fetchall())
    stored = 0
    paths = article_files(folder)
    for path in paths:
        body = path.read_text(encoding="utf-8")
        if known.get(path.stem) == digest_of(body):
            continue
        _seed_one(connection, read_article(path), body)
        stored += 1
    gone = {article for article, digest in known.items() if digest is not None} - {path.stem for path in paths}
    connection.execute(
        "UPDATE knowledge.articles SET published = NULL, file_digest = NULL WHERE id = ANY(%s)", (sorted(gone),)
    )
    connection.commit()
    return stored


def _seed_one(connection: psycopg.Connection[Any], article: Article, body: str) -> None:
    row = connection.execute(
        "SELECT coalesce(max(version), 0) + 1 FROM knowledge.versions WHERE article_id = %s", (article.id,)
    ).fetchone()
    number = row[0] if row else 1
    connection.execute(
        "INSERT INTO knowledge.articles (id, published, file_digest) VALUES (%s, %s, %s) "
        "ON CONFLICT (id) DO UPDATE SET published = excluded.published, file_digest = excluded.file_digest",
        (article.id, number, article.digest),
    )
    connection.execute(
        "INSERT INTO knowledge.versions (article_id, version, state, title, grade, text, digest, author, reviewed_by, "
        "reviewed_on) VALUES (%s, %s, 'published', %s, %s, %s, %s, %s, %s, %s)",
        (article.id, number, article.title, article.grade, body, article.digest, FILES, FILES, article.reviewed_on),
    )
    connection.execute(
        "INSERT INTO knowledge.publications (article_id, version, published_by) VALUES (%s, %s, %s)",
        (article.id, number, FILES),
    )
