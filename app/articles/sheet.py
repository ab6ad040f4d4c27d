"""Articles written by hand: their Markdown is kept beside the text that is made of it, to be edited again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.clean import TITLE_MAX_CHARS, one_line, title_line
from app.articles.extract import extract_file
from app.articles.models import Article
from app.articles.own import hold_row, own_article, own_row
from app.articles.prose import summarise
from app.articles.revisions import revise_article
from app.articles.urls import web_link
from app.errors import EditionChanged, InputRefused, SheetRefused
from app.i18n import LANGUAGES

#: Characters of Markdown, and of a summary.
MARKDOWN_MAX, SUMMARY_MAX = 30_000, 1_000

_TAGS = {"p", "br", "a", "em", "strong", "ul", "ol", "li", "blockquote", "h3", "h4", "h5", "h6", "code", "pre", "hr"}
_markdown = MarkdownIt("commonmark", {"html": False}).disable("image")


@dataclass(frozen=True)
class Sheet:
    """A piece as an editor wrote it; an empty `summary` is made of the text, an empty `link` is none."""

    language: str
    title: str
    summary: str
    link: str
    markdown: str


def write_article(session: Session, *, sheet: Sheet, now: datetime) -> Article:
    """Return what an editor wrote as an article of no source, published now; or the one that is the same, of before.

    Raises SheetRefused with the field.
    """
    row = _row(sheet)
    hold_row(session, row)
    is_same = (Article.source_id.is_(None), Article.guid == row["guid"], Article.link_key == row["link_key"])
    if article := session.scalars(select(Article).where(*is_same)).first():
        return article
    _refuse_known(session, row, article_id=None)
    article = Article(**row, published_at=now, added_at=now)
    session.add(article)
    session.flush()
    return article


def rewrite_article(session: Session, *, article_id: int, sheet: Sheet, revision: int, now: datetime) -> Article:
    """Give an article of no source another text; the earlier one is noted.

    Raises SheetRefused with the field, NotFound, TransitionRefused for a feed's article, and EditionChanged where it
    has another text than that of the `revision` which the editor saw.
    """
    article = own_article(session, article_id)
    if article.revision != revision:
        raise EditionChanged("the article is another one now")
    row = _row(sheet)
    hold_row(session, row)
    _refuse_known(session, row, article_id=article_id)
    revise_article(session, article, {**row, "page_due_at": None}, now)
    for name, value in row.items():
        setattr(article, name, value)
    article.classified_at = None
    session.flush()
    return article


def sheet_of(article: Article) -> Sheet:
    """Return an article of no source as its editor would write it; a summary that was made of the text is empty."""
    typed = article.body if article.markdown is None else article.markdown
    is_made = bool(typed.strip()) and article.summary == summarise(article.body)
    return Sheet(
        language=article.language, title=article.title, summary="" if is_made else article.summary,
        link=article.link or "", markdown=typed,
    )  # fmt: skip


def sheet_html(markdown: str) -> Markup:
    """Return Markdown as clean HTML for a page, its headings from the third level down; raw HTML shows as text."""
    tokens = _markdown.parse(markdown)
    _step_down(tokens)
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(
        html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"},
        link_rel="noreferrer noopener",
    )  # fmt: skip
    return Markup(clean.strip())  # noqa: S704 - nh3 has just cleaned it


def sheet_text(sheet: Sheet) -> tuple[str, str]:
    """Return what is read of a sheet: its summary and its text. Raises SheetRefused("text")."""
    if len(sheet.markdown) > MARKDOWN_MAX or len(sheet.summary) > SUMMARY_MAX:
        raise SheetRefused("text")
    written, text = one_line(sheet.summary, SUMMARY_MAX), ""
    if sheet.markdown.strip():
        try:
            text = extract_file(sheet.markdown.encode("utf-8", "replace"), "sheet.md").text
        except InputRefused as refusal:
            raise SheetRefused("text") from refusal
    if not text and not written:
        raise SheetRefused("text")
    return written or summarise(text), text or written


def _step_down(tokens: list[Token]) -> None:
    """Give headings the levels from the third on, none left out on the way down, however they were typed."""
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    typed, last = sorted({token.tag for token in headings}), 2
    for token in headings:
        last = min(3 + typed.index(token.tag), last + 1, 6) if token.type == "heading_open" else last
        token.tag = f"h{last}"


def _row(sheet: Sheet) -> Mapping[str, object]:
    if sheet.language not in LANGUAGES:
        raise SheetRefused("language")
    title = title_line(sheet.title)
    if not title or len(sheet.title) > TITLE_MAX_CHARS:
        raise SheetRefused("title")
    link = web_link(sheet.link) if sheet.link else None
    if sheet.link and link is None:
        raise SheetRefused("link")
    summary, text = sheet_text(sheet)
    row = own_row(language=sheet.language, title=title, summary=summary, text=text, link=link)
    return {**row, "markdown": sheet.markdown}


def _refuse_known(session: Session, row: Mapping[str, object], *, article_id: int | None) -> None:
    """Raise SheetRefused where another article than that of `article_id` has the link of a row."""
    is_other = Article.id.is_distinct_from(article_id)
    if row["link_key"] and session.scalar(select(Article.id).where(Article.link_key == row["link_key"], is_other)):
        raise SheetRefused("known")
