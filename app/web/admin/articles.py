"""What can be written about: the articles that have arrived, newest first."""

from flask import render_template
from sqlalchemy import select

from app.articles.models import Article
from app.web import product
from app.web.admin import bp
from app.web.admin.listing import asked_before, newest_first


@bp.get("/articles")
def articles() -> str:
    """List articles."""
    with product().database.reading() as session:
        page = newest_first(session, select(Article), Article.id, before=asked_before())
    return render_template("admin/articles.html", page=page)
