"""Schema knowledge: articles in versions, who wrote, reviewed and published them, and their sections with vectors.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_UP = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS knowledge;

CREATE TABLE knowledge.articles (
    id          text PRIMARY KEY,
    published   integer,
    file_digest text
);

CREATE TABLE knowledge.versions (
    article_id  text NOT NULL REFERENCES knowledge.articles (id) ON DELETE CASCADE,
    version     integer NOT NULL,
    state       text NOT NULL CHECK (state IN ('draft', 'review', 'published')),
    title       text NOT NULL,
    grade       text NOT NULL,
    text        text NOT NULL,
    digest      text NOT NULL,
    author      text NOT NULL,
    reviewed_by text,
    reviewed_on date,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (article_id, version)
);

CREATE TABLE knowledge.sections (
    article_id  text NOT NULL,
    version     integer NOT NULL,
    position    integer NOT NULL,
    heading     text NOT NULL,
    text        text NOT NULL,
    encoder     text NOT NULL,
    vector      vector(512) NOT NULL,
    PRIMARY KEY (article_id, version, position),
    FOREIGN KEY (article_id, version) REFERENCES knowledge.versions ON DELETE CASCADE
);

CREATE TABLE knowledge.publications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    article_id  text NOT NULL,
    version     integer NOT NULL,
    published_by text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (article_id, version) REFERENCES knowledge.versions ON DELETE CASCADE
);
CREATE INDEX publications_by_article ON knowledge.publications (article_id, id);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA knowledge CASCADE")
