"""`flask admins`: the people of the desk."""

from datetime import timedelta

import click
from sqlalchemy.orm import Session

from app.admins.factors import reset_factors
from app.admins.models import Admin, AuditAct, Role
from app.admins.signin import LINK_LIFE, admin_by_email, create_admin, forget_password, make_signin_link
from app.cli.acts import note_act
from app.cli.output import Commands
from app.clock import now
from app.errors import NotFound
from app.web import product

#: Longer than a link that stands in for a password: a new admin has yet to be told of it.
FIRST_LINK_LIFE = timedelta(hours=1)


@click.group("admins", cls=Commands)
def group() -> None:
    """Let people into the desk."""


@group.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.ADMIN.value, show_default=True)
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
def add(email: str, role: str, language: str) -> None:
    """Add an admin and print a one-time sign-in link, good for an hour; ten minutes for one who has a password.

    Whoever is known keeps their role and language, and gets a new link.
    """
    wired = product()
    with wired.database.transaction() as session:
        admin = create_admin(session, email=email, language=language, role=Role(role), now=now())
        life = LINK_LIFE if admin.password_hash else FIRST_LINK_LIFE
        secret = make_signin_link(session, admin=admin, now=now(), life=life)
        note_act(session, AuditAct.ADMIN_ADDED, f"admin:{admin.id}", "sign-in link")
    click.echo(wired.links.sign_in(secret))


@group.group("password", cls=Commands)
def password() -> None:
    """Passwords of people of the desk."""


@password.command("reset")
@click.argument("email")
def reset_password(email: str) -> None:
    """Take a forgotten password away, end their sessions, and print a one-time sign-in link, good for ten minutes.

    Second factors stay, and are asked for.
    """
    wired = product()
    with wired.database.transaction() as session:
        admin = _find(session, email)
        forget_password(session, admin=admin, now=now())
        secret = make_signin_link(session, admin=admin, now=now())
        note_act(session, AuditAct.PASSWORD_CHANGED, f"admin:{admin.id}", "forgotten")
    click.echo(wired.links.sign_in(secret))


@group.group("factors", cls=Commands)
def factors() -> None:
    """Second factors of people of the desk."""


@factors.command("reset")
@click.argument("email")
def reset(email: str) -> None:
    """Take the second factors of an admin who lost them away, and end their sessions; the password stays."""
    with product().database.transaction() as session:
        admin = _find(session, email)
        removed = reset_factors(session, admin=admin, now=now())
        note_act(session, AuditAct.FACTORS_RESET, f"admin:{admin.id}", f"factors {removed}")
    click.echo(f"{removed} factors are gone; the next sign-in asks for the password alone.")


def _find(session: Session, email: str) -> Admin:
    admin = session.scalar(admin_by_email(email))
    if admin is None:
        raise NotFound(f"no admin has the address {email}")
    return admin
