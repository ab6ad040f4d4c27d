"""`flask newsletters`: what newsletters there are, and what holds for each."""

import click
from sqlalchemy import select

from app import i18n
from app.admins.models import AuditAct
from app.cli.acts import note_act, system_actor
from app.cli.output import Commands, Row, as_json, print_rows
from app.clock import now
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
from app.newsletters.letterhead import OwnAddresses, letterhead_of
from app.newsletters.models import Newsletter, NewsletterLanguage
from app.web import product
from config import Config

_sender = click.option("--sender", help="The From address of its letters, in the domain of MAIL_DEFAULT_SENDER.")
_reply_to = click.option("--reply-to", help="Where replies to its letters go, if not to PUBLISHER_CONTACT.")


@click.group("newsletters", cls=Commands)
def group() -> None:
    """Newsletters, and what holds for each."""


@group.command("list")
@as_json
def list_newsletters(as_json: bool) -> None:
    """List newsletters, a line for each language of each."""
    config = product().config
    with product().database.reading() as session:
        rows = [
            _face_row(newsletter, face, config)
            for newsletter in session.scalars(select(Newsletter).order_by(Newsletter.id))
            for face in newsletter.languages
        ]
    print_rows(rows, as_json=as_json)


@group.command("add")
@click.argument("slug")
@click.option("--name-fr", default="", help="What readers call it in French.")
@click.option("--description-fr", default="", help="What it is, in a French sentence.")
@click.option("--name-en", default="", help="What readers call it in English.")
@click.option("--description-en", default="", help="What it is, in an English sentence.")
@_sender
@_reply_to
def add(
    slug: str,
    name_fr: str,
    description_fr: str,
    name_en: str,
    description_en: str,
    sender: str | None,
    reply_to: str | None,
) -> None:
    """Add a newsletter in the languages that are named; SLUG stands in its public addresses and commands, for good.

    A language has a name and a description, or neither: then the newsletter is not in it, as long as `language` does
    not add it.
    """
    wired = product()
    names = {"fr": (name_fr, description_fr), "en": (name_en, description_en)}
    with wired.database.transaction() as session:
        added = add_newsletter(
            session,
            slug=slug,
            names=names,
            addresses=OwnAddresses(sender or "", reply_to or ""),
            config=wired.config,
            actor=system_actor(),
            now=now(),
        )
        note_act(session, AuditAct.NEWSLETTER_ADDED, f"newsletter:{added.id}", slug)
        homes = [wired.links.home(code, added.address_slug) for code in added.language_codes]
    click.echo(f"Readers sign up at {' and '.join(homes)}.")


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
@_sender
@_reply_to
def change(slug: str, timezone: str | None, welcome: bool | None, sender: str | None, reply_to: str | None) -> None:
    """Change what holds for all of a newsletter; what is not named stays. SLUG names it.

    An address that is empty ("") is taken away: the one of the settings then holds.
    """
    config = product().config
    with product().database.transaction() as session:
        known = find_by_slug(session, slug)
        changed = change_newsletter(
            session,
            newsletter_id=known.id,
            seen=change_mark(known.changed_at),
            timezone=timezone or known.timezone,
            sends_welcome=known.sends_welcome if welcome is None else welcome,
            addresses=OwnAddresses(
                (known.sender or "") if sender is None else sender,
                (known.reply_to or "") if reply_to is None else reply_to,
            ),
            config=config,
            now=now(),
        )
        head = letterhead_of(changed, i18n.DEFAULT_LANGUAGE, config)
        note_act(session, AuditAct.NEWSLETTER_CHANGED, f"newsletter:{changed.id}", head.addresses)
    click.echo(f"Its clocks are those of {changed.timezone}; {'a' if changed.sends_welcome else 'no'} welcome letter.")
    click.echo(f"Its letters come from {head.from_address}; replies go to {head.reply_to}.")


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


def _face_row(newsletter: Newsletter, face: NewsletterLanguage, config: Config) -> Row:
    head = letterhead_of(newsletter, face.language, config)
    return {
        "slug": newsletter.slug,
        "language": face.language,
        "name": head.from_name,
        "list_label": face.list_label,
        "sender": head.from_address,
        "reply_to": head.reply_to,
        "closed_at": newsletter.closed_at,
        "timezone": newsletter.timezone,
        "welcome_letter": newsletter.sends_welcome,
        "needs_approval": newsletter.needs_approval,
    }
