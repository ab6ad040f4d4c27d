"""`flask subscribers`, continued: what is done in a reader's name, by their address."""

import json

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import i18n
from app.admins.models import AuditAct
from app.cli.acts import note_act
from app.cli.output import Row, as_json, print_rows
from app.cli.subscribers import group
from app.clock import now
from app.digests.coverage import without_gap
from app.digests.schedule import keep_rhythms
from app.errors import NotFound
from app.mail.address import parse_address
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.models import Subscriber
from app.subscriptions.preferences import correct_language
from app.subscriptions.rights.acts import accept_objection, lift_restriction, record_export, restrict
from app.subscriptions.rights.address_change import Correction, request_address_change
from app.subscriptions.rights.dossier import gather
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.rights.log import RightsRequest, open_requests
from app.web import product

#: Who acts, in a reader's chain.
ACTOR = "cli"


@group.command("dossier")
@click.argument("email")
def print_dossier(email: str) -> None:
    """Print all that is held of one reader as JSON, for an answer by letter."""
    wired = product()
    with wired.database.transaction() as session:
        reader = _reader(session, email)
        record_export(session, subscriber_id=reader.id, actor=ACTOR, now=now())
        dossier = gather(session, subscriber_id=reader.id, tellers=wired.tellers, now=now())
        note_act(session, AuditAct.READER_EXPORTED, f"reader:{reader.public_id}")
    click.echo(json.dumps(dossier.as_json(wired.config), ensure_ascii=False, indent=2))


@group.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(email: str, yes: bool) -> None:
    """Erase one reader for good, and never mail the address again."""
    if not yes:
        click.confirm(f"Erase {email}? This cannot be undone.", abort=True)
    wired = product()
    with wired.database.transaction() as session:
        reader = _reader(session, email)
        last = erase_reader(
            session,
            subscriber_id=reader.id,
            method=ConsentMethod.ADMIN,
            actor=ACTOR,
            suppression_key=wired.config.suppression_key,
            now=now(),
        )
        note_act(session, AuditAct.READER_ERASED, f"reader:{reader.public_id}")
    click.echo(f"Erased. The record is {last.chain_id}, {last.seq}: {last.hash}")


@group.command("restrict")
@click.argument("email")
@click.option("--lift", is_flag=True, help="Let the data be used again.")
def restrict_(email: str, lift: bool) -> None:
    """Keep one reader's data and use it no more, or use it again."""
    wired = product()
    with wired.database.transaction() as session:
        reader = _reader(session, email)
        if lift:
            key = wired.config.suppression_key
            lift_restriction(
                session,
                subscriber_id=reader.id,
                method=ConsentMethod.ADMIN,
                actor=ACTOR,
                suppression_key=key,
                now=now(),
            )
        else:
            restrict(session, subscriber_id=reader.id, method=ConsentMethod.ADMIN, actor=ACTOR, now=now())
        act = AuditAct.RESTRICTION_LIFTED if lift else AuditAct.READER_RESTRICTED
        note_act(session, act, f"reader:{reader.public_id}")
    click.echo("The data may be used again." if lift else "The data is kept and no longer used.")


@group.command("object")
@click.argument("email")
def object_(email: str) -> None:
    """Honour one reader's objection: everything ends, and the address is mailed no more."""
    wired = product()
    with wired.database.transaction() as session:
        reader = _reader(session, email)
        accept_objection(
            session,
            subscriber_id=reader.id,
            method=ConsentMethod.ADMIN,
            actor=ACTOR,
            suppression_key=wired.config.suppression_key,
            now=now(),
        )
        note_act(session, AuditAct.READER_OBJECTED, f"reader:{reader.public_id}")
    click.echo("The objection is honoured.")


@group.command("move")
@click.argument("email")
@click.argument("new_email")
def move(email: str, new_email: str) -> None:
    """Correct one reader's address, or have a new one confirmed by its owner."""
    with product().database.transaction() as session:
        reader = _reader(session, email)
        correction = request_address_change(
            session,
            subscriber_id=reader.id,
            address=parse_address(new_email),
            method=ConsentMethod.ADMIN,
            actor=ACTOR,
            now=now(),
        )
        note_act(session, AuditAct.READER_CORRECTED, f"reader:{reader.public_id}", "address")
    said = {
        Correction.MOVE: f"Letters to {new_email} and {email} are queued.",
        Correction.SPELLING: "The address is corrected.",
        Correction.NONE: "This is the address that the reader has: nothing has changed.",
    }
    click.echo(said[correction])


@group.command("language")
@click.argument("email")
@click.argument("language", type=click.Choice(list(i18n.LANGUAGES)))
def language_(email: str, language: str) -> None:
    """Correct the language of one reader's letters."""
    with product().database.transaction() as session:
        reader = _reader(session, email)
        with without_gap(session, reader.id, now()):
            correct_language(session, subscriber_id=reader.id, language=language, actor=ACTOR, now=now())
        keep_rhythms(session, reader.id, now())
        note_act(session, AuditAct.READER_CORRECTED, f"reader:{reader.public_id}", "language")
    click.echo("The language is corrected.")


@group.command("requests")
@as_json
def requests(as_json: bool) -> None:
    """List what readers asked for by letter and still awaits an answer, the most pressing first."""
    with product().database.reading() as session:
        rows = [_request(request) for request in session.scalars(open_requests())]
    print_rows(rows, as_json=as_json)


def _reader(session: Session, email: str) -> Subscriber:
    found = session.scalar(select(Subscriber).where(Subscriber.email_key == parse_address(email).key))
    if found is None:
        raise NotFound(f"no subscriber {email}")
    return found


def _request(request: RightsRequest) -> Row:
    return {
        "id": request.id,
        "right": request.kind.value,
        "received_on": request.received_on.isoformat(),
        "due_on": request.due_on.isoformat(),
        "reference": request.reference,
    }
