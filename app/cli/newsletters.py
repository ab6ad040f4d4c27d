"""`flask newsletters`: what newsletters there are, and what holds for each."""

from datetime import datetime
from typing import TextIO

import click
from sqlalchemy import select

from app import i18n
from app.admins.models import AuditAct
from app.cli.acts import note_act, system_actor
from app.cli.findings import print_findings
from app.cli.output import Commands, Row, as_json, print_row, print_rows
from app.clock import now
from app.delivery.models import WarmUpDay
from app.delivery.warm_ups import WarmUpReport, day_of, read_warm_up, stop_warm_up
from app.digests.newsletters import (
    Face,
    add_newsletter,
    change_mark,
    change_newsletter,
    close_newsletter,
    find_by_slug,
    open_newsletter,
    put_face,
    require_approval,
)
from app.editions.warm_up import plan_warm_up
from app.gate.trials import save_trial, try_template
from app.mail.warm_up import Allowance
from app.newsletters.models import Newsletter, NewsletterLanguage
from app.newsletters.templates import (
    product_template,
    put_in_force,
    read_template,
    read_version,
    versions_of,
    without_source,
)
from app.web import product


@click.group("newsletters", cls=Commands)
def group() -> None:
    """Newsletters, and what holds for each."""


@group.group("warm-up")
@click.argument("slug")
@click.pass_context
def warm_up(context: click.Context, slug: str) -> None:
    """Let a new sending address or domain begin slowly; SLUG names the newsletter."""
    context.obj = slug


@warm_up.command("start")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The first day, in UTC; else today.")
@click.pass_obj
def start(slug: str, on: datetime | None) -> None:
    """Start a warm-up: 200 letters on the first day, twice as many after each good one."""
    at = now()
    with product().database.transaction() as session:
        newsletter_id = find_by_slug(session, slug).id
        starts_on = on.date() if on else day_of(at)
        plan_warm_up(session, newsletter_id=newsletter_id, starts_on=starts_on, now=at)
        report = read_warm_up(session, newsletter_id=newsletter_id, now=at)
        note_act(session, AuditAct.WARM_UP_STARTED, f"newsletter:{newsletter_id}", starts_on.isoformat())
    assert report is not None
    click.echo(f"The warm-up starts on {starts_on}; as things stand it will end on {report.ends_on}.")


@warm_up.command("stop")
@click.pass_obj
def stop(slug: str) -> None:
    """Stop the warm-up: all that waits for it goes at once."""
    with product().database.transaction() as session:
        newsletter_id = find_by_slug(session, slug).id
        stop_warm_up(session, newsletter_id=newsletter_id, now=now())
        note_act(session, AuditAct.WARM_UP_STOPPED, f"newsletter:{newsletter_id}")
    click.echo("The warm-up is over: what waited goes now.")


@warm_up.command("show")
@as_json
@click.pass_obj
def show(slug: str, as_json: bool) -> None:
    """Show the day, its allowance and what of it was used, when the warm-up will end, and what each day came to."""
    with product().database.reading() as session:
        report = read_warm_up(session, newsletter_id=find_by_slug(session, slug).id, now=now())
    if report is None or report.ended_at is not None:
        print_row({"warm_up": None, "ended_at": report.ended_at if report else None}, as_json=as_json)
        return
    row, days = _row(report), [_day_row(report, day) for day in report.days]
    if as_json:
        print_row({"warm_up": {**row, "days": days}, "ended_at": None}, as_json=True)
        return
    print_row(row, as_json=False)
    print_rows(days, as_json=False)


@group.command("list")
@as_json
def list_newsletters(as_json: bool) -> None:
    """List newsletters, a line for each language of each."""
    with product().database.reading() as session:
        rows = [
            _face_row(newsletter, face)
            for newsletter in session.scalars(select(Newsletter).order_by(Newsletter.id))
            for face in newsletter.languages
        ]
    print_rows(rows, as_json=as_json)


@group.command("add")
@click.argument("slug")
@click.option("--name-fr", required=True, help="What readers call it in French.")
@click.option("--description-fr", required=True, help="What it is, in a French sentence.")
@click.option("--name-en", required=True, help="What readers call it in English.")
@click.option("--description-en", required=True, help="What it is, in an English sentence.")
def add(slug: str, name_fr: str, description_fr: str, name_en: str, description_en: str) -> None:
    """Add a newsletter, in both languages; SLUG stands in its public addresses and in commands, for good."""
    wired = product()
    names = {"fr": (name_fr, description_fr), "en": (name_en, description_en)}
    with wired.database.transaction() as session:
        added = add_newsletter(session, slug=slug, names=names, config=wired.config, actor=system_actor(), now=now())
        note_act(session, AuditAct.NEWSLETTER_ADDED, f"newsletter:{added.id}", slug)
    click.echo(f"Readers sign up at {wired.links.home('fr', slug)} and {wired.links.home('en', slug)}.")


@group.command("close")
@click.argument("slug")
def close(slug: str) -> None:
    """Let nobody new sign up to a newsletter; its readers get it as before."""
    with product().database.transaction() as session:
        newsletter_id = find_by_slug(session, slug).id
        close_newsletter(session, newsletter_id=newsletter_id, now=now())
        note_act(session, AuditAct.NEWSLETTER_CLOSED, f"newsletter:{newsletter_id}")
    click.echo("Nobody new can sign up.")


@group.command("open")
@click.argument("slug")
def open_again(slug: str) -> None:
    """Let readers sign up again to a newsletter that was closed."""
    with product().database.transaction() as session:
        newsletter_id = find_by_slug(session, slug).id
        open_newsletter(session, newsletter_id=newsletter_id)
        note_act(session, AuditAct.NEWSLETTER_OPENED, f"newsletter:{newsletter_id}")
    click.echo("Readers can sign up again.")


@group.command("change")
@click.argument("slug")
@click.option("--timezone", help="The clocks that its digests go by, as Europe/Paris.")
@click.option("--welcome/--no-welcome", default=None, help="Whether a welcome letter follows the confirmation.")
def change(slug: str, timezone: str | None, welcome: bool | None) -> None:
    """Change what holds for all of a newsletter; what is not named stays. SLUG names it."""
    with product().database.transaction() as session:
        known = find_by_slug(session, slug)
        changed = change_newsletter(
            session,
            newsletter_id=known.id,
            seen=change_mark(known.changed_at),
            timezone=timezone or known.timezone,
            sends_welcome=known.sends_welcome if welcome is None else welcome,
            now=now(),
        )
        note_act(session, AuditAct.NEWSLETTER_CHANGED, f"newsletter:{changed.id}")
    click.echo(f"Its clocks are those of {changed.timezone}; {'a' if changed.sends_welcome else 'no'} welcome letter.")


@group.command("language")
@click.argument("slug")
@click.argument("language", type=click.Choice(list(i18n.LANGUAGES)))
@click.option("--name", required=True, help="What readers call it.")
@click.option("--description", required=True, help="What it is, in a sentence.")
@click.option("--label", required=True, help="The first part of its List-Id, as en.letter; it stays for good.")
def language_command(slug: str, language: str, name: str, description: str, label: str) -> None:
    """Say what a newsletter is called in a language, which is added if it is new; SLUG names the newsletter."""
    with product().database.transaction() as session:
        known = find_by_slug(session, slug)
        put_face(
            session,
            newsletter_id=known.id,
            seen=change_mark(known.changed_at),
            language=language,
            face=Face(name, description, label),
            config=product().config,
            actor=system_actor(),
            now=now(),
        )
        note_act(session, AuditAct.NEWSLETTER_CHANGED, f"newsletter:{known.id}", language)
    click.echo(f"In this language it is called {name}.")


@group.command("approval")
@click.argument("slug")
@click.argument("answer", type=click.Choice(["needed", "not-needed"]))
def approval(slug: str, answer: str) -> None:
    """Say whether each edition that somebody sends wants somebody else's approval; SLUG names the newsletter."""
    with product().database.transaction() as session:
        newsletter_id = find_by_slug(session, slug).id
        require_approval(session, newsletter_id=newsletter_id, is_needed=answer == "needed", now=now())
        note_act(session, AuditAct.APPROVAL_NEEDED, f"newsletter:{newsletter_id}", answer)
    click.echo(f"Approval is {answer.replace('-', ' ')}.")


@group.group("template")
@click.argument("slug")
@click.pass_context
def template(context: click.Context, slug: str) -> None:
    """The letter template of a newsletter's own; SLUG names the newsletter."""
    context.obj = slug


@template.command("show")
@click.option("--version", type=int, help="An older or newer one than that in force.")
@click.pass_obj
def show_template(slug: str, version: int | None) -> None:
    """Print the template in force, the product's where the newsletter has none of its own."""
    with product().database.reading() as session:
        newsletter = find_by_slug(session, slug)
        if version is None:
            source = read_template(newsletter) or product_template()
        else:
            source = read_version(session, newsletter_id=newsletter.id, version=version).source
    click.echo(source, nl=False)


@template.command("versions")
@as_json
@click.pass_obj
def list_versions(slug: str, as_json: bool) -> None:
    """List the versions, the newest first."""
    with product().database.reading() as session:
        newsletter = find_by_slug(session, slug)
        rows = [
            {
                "version": each.version,
                "in_force": each.version == newsletter.template_version,
                "created_at": each.created_at,
                "author": each.author,
                "note": each.note,
            }
            for each in session.scalars(without_source(versions_of(newsletter.id)))
        ]
    print_rows(rows, as_json=as_json)


@template.command("set")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--note", default="", help="What is new about it.")
@click.pass_obj
def set_template(slug: str, file: TextIO, note: str) -> None:
    """Try the template in FILE on every kind of letter; if it holds, save it as a new version and put it in force."""
    wired, at = product(), now()
    with wired.database.reading() as session:
        newsletter = find_by_slug(session, slug)
    trial = try_template(file.read(), newsletter=newsletter, config=wired.config, links=wired.links, now=at)
    print_findings(trial.findings)
    with wired.database.transaction() as session:
        version = save_trial(
            session, trial, newsletter_id=newsletter.id, note=note, author=system_actor(), now=at
        ).version
        put_in_force(session, newsletter_id=newsletter.id, version=version)
        note_act(session, AuditAct.TEMPLATE_SAVED, f"newsletter:{newsletter.id}", str(version))
        note_act(session, AuditAct.TEMPLATE_CHOSEN, f"newsletter:{newsletter.id}", str(version))
    click.echo(f"Version {version} is in force.")


@template.command("use")
@click.argument("version", type=int)
@click.pass_obj
def use_version(slug: str, version: int) -> None:
    """Put a version in force that was saved before."""
    _choose(slug, version)
    click.echo(f"Version {version} is in force.")


@template.command("reset")
@click.pass_obj
def reset_template(slug: str) -> None:
    """Go back to the product's template; the newsletter's own versions stay."""
    _choose(slug, None)
    click.echo("The product's template is in force.")


def _choose(slug: str, version: int | None) -> None:
    with product().database.transaction() as session:
        newsletter_id = find_by_slug(session, slug).id
        put_in_force(session, newsletter_id=newsletter_id, version=version)
        note_act(
            session, AuditAct.TEMPLATE_CHOSEN, f"newsletter:{newsletter_id}", None if version is None else str(version)
        )


def _face_row(newsletter: Newsletter, face: NewsletterLanguage) -> Row:
    return {
        "slug": newsletter.slug,
        "language": face.language,
        "name": face.name,
        "list_label": face.list_label,
        "closed_at": newsletter.closed_at,
        "timezone": newsletter.timezone,
        "welcome_letter": newsletter.sends_welcome,
        "needs_approval": newsletter.needs_approval,
    }


def _row(report: WarmUpReport) -> Row:
    allowance = report.allowance
    return {
        "starts_on": report.warm_up.starts_on.isoformat(),
        "ends_on": report.ends_on.isoformat(),
        "day": report.day_number,
        "allowance": allowance.total if allowance else None,
        "allowance_per_provider": allowance.per_provider if allowance else None,
        "drawn_today": report.drawn,
        "readers": report.warm_up.audience,
        "held_days": report.held_days,
        "idle_days": report.idle_days,
    }


def _day_row(report: WarmUpReport, day: WarmUpDay) -> Row:
    held = report.held(day) if day.day < report.today else None
    return {
        "day": day.day.isoformat(),
        "allowance": Allowance.doubled(day.doublings).total,
        "drawn": day.drawn,
        "deferred": day.deferred,
        "held": held.value if held else None,
    }
