"""What can be written about: the articles that have arrived, newest first, and what they are about."""

from collections import defaultdict

from flask import render_template
from sqlalchemy import select

from app.articles.models import Article
from app.topics.corrections import topics_of
from app.topics.models import ArticleTopic
from app.web import product
from app.web.admin import bp
from app.web.admin.listing import asked_before, newest_first
from app.web.admin.topics import taxonomy_in_use


@bp.get("/articles")
def articles() -> str:
    """List articles with their topics."""
    with product().database.reading() as session:
        page = newest_first(session, select(Article), Article.id, before=asked_before())
        topics = session.scalars(topics_of(article.id for article in page.rows)).all()
    carried = defaultdict[int, list[ArticleTopic]](list)
    for topic in topics:
        carried[topic.article_id].append(topic)
    return render_template("admin/articles.html", page=page, carried=carried, taxonomy=taxonomy_in_use())
