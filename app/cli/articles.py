"""`flask articles`: pieces written by hand, and what the feeds brought."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.admins.models import AuditAct
from app.articles.intake import add_article
from app.articles.models import Article
from app.articles.own import revise_own_article
from app.cli.acts import note_act, system_actor
from app.cli.files import article_files, read_article, read_articles
from app.cli.findings import print_findings
from app.cli.meant import ROW_ID
from app.cli.output import Commands, Row, as_json, counted, print_row, print_rows
from app.clock import now
from app.digests.errata import count_misled, set_erratum, start_erratum
from app.digests.flash import count_flash, plan_flash, set_flash, start_flash
from app.digests.held import SetExtra, hold_extra
from app.editions.embargo import set_embargo
from app.editions.models import EditionKind
from app.errors import GateClosed, InputRefused, NotFound
from app.gate.findings import failures
from app.topics.taxonomy import load
from app.web import product

_OVERRIDE = "Let it leave in spite of what kept it back the last time, for this reason."


@click.group("articles", cls=Commands)
def group() -> None:
    """Add, list and extract articles; keep them back until a time; send them out of turn."""


@group.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--language", type=click.Choice(["fr", "en"]), required=True)
@click.option("--title", help="Needed unless the file carries one.")
@click.option("--link", help="Where the article can be read.")
@as_json
def add(file: Path, language: str, title: str | None, link: str | None, as_json: bool) -> None:
    """Add an article from a text, Markdown or HTML file."""
    extracted = read_article(file)
    with product().database.transaction() as session:
        article = add_article(session, language=language, title=title, extracted=extracted, link=link, now=now())
        row = _row(article)
        note_act(session, AuditAct.ARTICLE_ADDED, f"article:{article.id}")
    print_row(row, as_json=as_json)


@group.command("revise")
@click.argument("article_id", metavar="ID", type=ROW_ID)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", help="Another title than the file's, or the one it has.")
@as_json
def revise(article_id: int, file: Path, title: str | None, as_json: bool) -> None:
    """Give an article that was put in by hand another text; `correct` then tells who got an earlier one."""
    extracted = read_article(file)
    with product().database.transaction() as session:
        article = revise_own_article(session, article_id=article_id, title=title, extracted=extracted, now=now())
        row = {**_row(article), "revision": article.revision}
        note_act(session, AuditAct.ARTICLE_REVISED, f"article:{article_id}", f"revision {article.revision}")
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


@group.command("extract")
@article_files
@as_json
def extract(files: Sequence[Path], as_json: bool) -> None:
    """Show the article in text, Markdown or HTML files, or - for stdin; with --json one line each.

    Nothing is stored.
    """
    for file, found in read_articles(files):
        row: Row = {
            "file": str(file),
            "title": found.title,
            "text": found.text,
            "language": found.language,
            "published": found.published_at.isoformat() if found.published_at else None,
            "author": found.authors or None,
            "link": found.link,
        }
        if as_json:
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            print_row(row, as_json=False)


@group.command("embargo")
@click.argument("article_id", metavar="ID", type=ROW_ID)
@click.option("--until", metavar="TIME", help="With its zone, as 2026-03-18T06:00+01:00.")
@click.option("--end", is_flag=True, help="Let it go now.")
def embargo(article_id: int, until: str | None, end: bool) -> None:
    """Keep an article back until a time: out of every letter, preview link and page; or end that."""
    if bool(until) == end:
        raise click.UsageError("give either --until or --end")
    moment, at = _moment(until) if until else None, now()
    if moment and moment <= at:
        raise InputRefused(f"{until} is past: give a time to come, or --end")
    with product().database.transaction() as session:
        if moment is None and not _is_kept_back(session, article_id, at):
            raise InputRefused(f"article {article_id} is not kept back")
        drafts = set_embargo(session, article_id=article_id, until=moment, actor=system_actor(), now=at)
        for edition_id in drafts:
            note_act(session, AuditAct.EDITION_CHANGED, f"edition:{edition_id}", f"article {article_id} kept back")
        act = AuditAct.ARTICLE_EMBARGOED if moment else AuditAct.EMBARGO_ENDED
        note_act(session, act, f"article:{article_id}", moment.isoformat() if moment else None)
    for edition_id in drafts:
        click.echo(f"taken out of the draft {edition_id}")
    click.echo(f"Article {article_id} is kept back until {until}." if until else f"Article {article_id} may leave.")


@group.command("flash")
@click.argument("article_id", metavar="ID", type=ROW_ID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--override", metavar="REASON", default="", help=_OVERRIDE)
def flash(article_id: int, yes: bool, override: str) -> None:
    """Send an article at once to those who read in real time, want its story and have not had it."""
    wired, at = product(), now()
    per_day = wired.config.flashes_per_day
    with wired.database.reading() as session:
        groups = plan_flash(session, article_id, taxonomy=load(wired.config.topics_file), now=at)
        readers = count_flash(session, article_id, groups, per_day=per_day, now=at)
        ready = set_flash(session, article_id, config=wired.config, links=wired.links, now=at)
    _print_failing(ready)
    if not yes:
        click.confirm(f"Send it to {counted(readers, 'reader')} at once?", abort=True)
    with _passing(ready, EditionKind.FLASH, {}, override) as session:
        copies = start_flash(
            session, ready, per_day=per_day, actor=system_actor(), reason=override, shown=failures(ready.findings),
            now=at, announce=wired.announce,
        )  # fmt: skip
        note_act(session, AuditAct.ARTICLE_FLASHED, f"article:{article_id}", f"copies {copies}")
    click.echo(f"Queued: {counted(copies, 'copy', 'copies')}.")


@group.command("correct")
@click.argument("article_id", metavar="ID", type=ROW_ID)
@click.option("--note-fr", default="", help="What was corrected, in Markdown, for readers of letters in French.")
@click.option("--note-en", default="", help="The same in English.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--override", metavar="REASON", default="", help=_OVERRIDE)
def correct(article_id: int, note_fr: str, note_en: str, yes: bool, override: str) -> None:
    """Tell exactly those who got an earlier text of an article what was corrected."""
    wired, at, notes = product(), now(), {"fr": note_fr, "en": note_en}
    with wired.database.reading() as session:
        ready = set_erratum(session, article_id, notes=notes, config=wired.config, links=wired.links, now=at)
        readers = sum(count_misled(session, article_id, now=at).readers.values())
    _print_failing(ready)
    if not yes:
        click.confirm(f"Tell {counted(readers, 'reader')}?", abort=True)
    with _passing(ready, EditionKind.ERRATUM, ready.notes, override) as session:
        copies = start_erratum(
            session, ready, actor=system_actor(), reason=override, shown=failures(ready.findings), now=at,
            announce=wired.announce,
        )  # fmt: skip
        note_act(session, AuditAct.ARTICLE_CORRECTED, f"article:{article_id}", f"copies {copies}")
    click.echo(f"Queued: {counted(copies, 'copy', 'copies')}.")


def _is_kept_back(session: Session, article_id: int, at: datetime) -> bool:
    article = session.get(Article, article_id)
    if article is None:
        raise NotFound(f"no article {article_id}")
    return article.embargo_until is not None and article.embargo_until > at


def _print_failing(extra: SetExtra) -> None:
    if extra.findings:
        print_findings(extra.findings)


@contextmanager
def _passing(extra: SetExtra, kind: EditionKind, notes: Mapping[str, str], reason: str) -> Iterator[Session]:
    """Start an extra in a transaction, for `reason` where something fails; one that does not pass is held."""
    target = f"article:{extra.article_id}"
    try:
        with product().database.transaction() as session:
            yield session
            if extra.findings:
                names = " ".join(sorted(failures(extra.findings)))
                note_act(session, AuditAct.EDITION_OVERRIDDEN, target, f"{names}: {reason}")
    except GateClosed:
        with product().database.transaction() as session:
            names = hold_extra(session, extra, kind=kind, notes=notes, actor=system_actor(), now=now())
            note_act(session, AuditAct.EXTRA_HELD, target, names)
        raise


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputRefused(f"{text!r} is no time: write it as 2026-03-18T06:00+01:00") from error
    if moment.tzinfo is None:
        raise InputRefused("the time needs its zone, as in 2026-03-18T06:00+01:00")
    return moment


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
        "embargo_until": article.embargo_until,
    }
