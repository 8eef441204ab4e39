"""Knowledge: articles customers' questions are answered from, and the search that finds the right one."""

from chebao.knowledge.articles import Article, ArticleError, Section, load_articles
from chebao.knowledge.search import Answer, Hit, KnowledgeBase

__all__ = ["Answer", "Article", "ArticleError", "Hit", "KnowledgeBase", "Section", "load_articles"]
