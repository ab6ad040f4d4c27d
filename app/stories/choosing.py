"""Which article of a story a reader gets, and which others are named beside it. Pure."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from app.articles.models import Article
from app.stories.families import family_of


def best_article(articles: Sequence[Article], languages: Sequence[str]) -> Article:
    """Return the article of a story that a reader of `languages` (the first is the dearest) gets.

    In the first language that the story has; an original before a copy, then the fullest text, then the first out.
    Raises ValueError for a story without articles.
    """
    return min(articles, key=lambda article: (_place(article, languages), *_merit(article)))


def also_in(articles: Sequence[Article], best: Article, languages: Sequence[str]) -> list[Article]:
    """Return the others to name beside `best`: one for each other source family, best first; never its twin.

    Only articles that have a page to link to, and in one of `languages`.
    """
    families = {family_of(best)}
    others = []
    for article in sorted(articles, key=lambda article: (_place(article, languages), *_merit(article))):
        is_other = article.link is not None and article.language in languages and not _are_twins(article, best)
        if is_other and family_of(article) not in families:
            families.add(family_of(article))
            others.append(article)
    return others


def best_first() -> Sequence[sa.ColumnElement[Any] | InstrumentedAttribute[Any]]:
    """Return what orders the articles of one story and language as `best_article` does, for a query."""
    return (
        sa.case((Article.copy_of_id.is_(None), 0), else_=1),
        sa.func.length(Article.body).desc(),
        Article.published_at,
        Article.id,
    )


def _merit(article: Article) -> tuple[object, ...]:
    return article.copy_of_id is not None, -len(article.body), article.published_at, article.id


def _place(article: Article, languages: Sequence[str]) -> int:
    return languages.index(article.language) if article.language in languages else len(languages)


def _are_twins(one: Article, other: Article) -> bool:
    roots = {one.twin_of_id or one.id, other.twin_of_id or other.id}
    return len(roots) == 1
