"""`flask articles`: pieces written by hand, and what the feeds brought."""

from pathlib import Path

import click
from sqlalchemy import select

from app.admins.models import AuditAct
from app.articles.extract import extract_file
from app.articles.intake import add_article
from app.articles.models import Article
from app.cli.acts import note_act
from app.cli.output import Commands, Row, as_json, print_row, print_rows
from app.clock import now
from app.web import product


@click.group("articles", cls=Commands)
def group() -> None:
    """Add and list articles."""


@group.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--language", type=click.Choice(["fr", "en"]), required=True)
@click.option("--title", help="Needed unless the file carries one.")
@click.option("--link", help="Where the article can be read.")
@as_json
def add(file: Path, language: str, title: str | None, link: str | None, as_json: bool) -> None:
    """Add an article from a text, Markdown or HTML file."""
    extracted = extract_file(file.read_bytes(), file.name)
    with product().database.transaction() as session:
        article = add_article(session, language=language, title=title, extracted=extracted, link=link, now=now())
        row = _row(article)
        note_act(session, AuditAct.ARTICLE_ADDED, f"article:{article.id}")
    print_row(row, as_json=as_json)


@group.command("list")
@click.option("--language", type=click.Choice(["fr", "en"]))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@as_json
def list_articles(language: str | None, limit: int, as_json: bool) -> None:
    """List articles, newest arrivals first."""
    query = select(Article).order_by(Article.id.desc()).limit(limit)
    if language:
        query = query.where(Article.language == language)
    with product().database.reading() as session:
        rows = [_row(article) for article in session.scalars(query)]
    print_rows(rows, as_json=as_json)


def _row(article: Article) -> Row:
    return {
        "id": article.id,
        "language": article.language,
        "title": article.title,
        "summary": article.summary,
        "source": article.source.name if article.source else None,
        "link": article.link,
        "published_at": article.published_at,
        "added_at": article.added_at,
    }
