"""Who is at the desk: invited by letter, given roles, removed; and always somebody who may let others in."""

import threading
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
import time_machine

from app.admins import people, sessions, signin
from app.admins.letters import admin_letters
from app.admins.models import Admin, AuditEntry, Role
from app.delivery.claims import claim
from app.delivery.endings import Withheld
from app.errors import AddressInvalid, AdminKnown, LastAdmin, SigninRefused, TransitionRefused
from app.product import Product
from tests.conftest import NOW

EMAIL = "eve@desk.example"


def add(product: Product, email: str, role: Role = Role.ADMIN) -> int:
    with product.database.transaction() as session:
        return signin.create_admin(session, email=email, language="en", role=role, now=NOW).id


def invite(product: Product, *, email: str = EMAIL, language: str = "en", role: Role = Role.EDITOR) -> people.Invited:
    with product.database.transaction() as session:
        return people.invite(session, email=email, role=role, language=language, links=product.links, now=NOW)


def letters(product: Product) -> list[EmailMessage | Withheld]:
    """What the sender makes of the invitations that wait."""
    compose = admin_letters(product.config, product.links)[people.INVITATION]
    with product.database.transaction() as session:
        copies = claim(session, owner="w", kinds=[people.INVITATION], now=NOW, limit=10)
        made = compose(session, copies)
    return [each if isinstance(each, Withheld) else read(each.write("<x@news.example>", None)) for each in made]


def read(parts: tuple[bytes, bytes]) -> EmailMessage:
    message = message_from_bytes(b"\r\n".join(parts), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.fixture(autouse=True)
def _now() -> None:
    with time_machine.travel(NOW, tick=False):
        yield


def test_an_invitation_brings_a_link_that_lets_in_once(product: Product) -> None:
    invited = invite(product)
    [letter] = letters(product)
    assert letter["To"] == EMAIL
    assert letter["List-Unsubscribe"] is None
    text = letter.get_content()
    assert "work on articles and drafts." in text
    [url] = [line for line in text.splitlines() if line.startswith("http")]
    secret = url.rpartition("/")[2]
    with product.database.transaction() as session:
        signin.use_signin_link(session, secret=secret, agent="", now=NOW + timedelta(hours=71))
    with pytest.raises(SigninRefused), product.database.transaction() as session:
        signin.use_signin_link(session, secret=secret, agent="", now=NOW)
    with product.database.reading() as session:
        admin = session.get_one(Admin, invited.admin_id)
    assert (admin.role, admin.password_hash) == (Role.EDITOR, None)


def test_the_letter_is_in_the_language_that_was_chosen_for_them(product: Product) -> None:
    invite(product, language="fr", role=Role.VIEWER)
    [letter] = letters(product)
    assert letter["Subject"] == "Votre accès à la rédaction de Vigie"
    assert "voir tout ce qui part, sans rien changer." in letter.get_content()


def test_an_invitation_is_over_after_three_days(product: Product) -> None:
    secret = url_of(product, invite(product))
    with pytest.raises(SigninRefused), product.database.transaction() as session:
        signin.use_signin_link(session, secret=secret, agent="", now=NOW + people.INVITATION_LIFE)


def url_of(product: Product, invited: people.Invited) -> str:
    [letter] = letters(product)
    return letter.get_content().split("/sign-in/")[1].split()[0]


def test_no_table_holds_what_opens_the_desk(product: Product) -> None:
    secret = url_of(product, invite(product))
    with product.database.reading() as session:
        for table in Admin.metadata.sorted_tables:
            assert secret not in repr(session.execute(sa.select(table)).all())


def test_a_second_invitation_ends_the_first(product: Product) -> None:
    invited = invite(product)
    with product.database.transaction() as session:
        people.send_invitation(session, admin_id=invited.admin_id, links=product.links, now=NOW + timedelta(seconds=1))
    with time_machine.travel(NOW + timedelta(seconds=1), tick=False):
        compose = admin_letters(product.config, product.links)[people.INVITATION]
        with product.database.transaction() as session:
            made = compose(
                session, claim(session, owner="w", kinds=[people.INVITATION], now=NOW + timedelta(seconds=1), limit=10)
            )
    assert [isinstance(each, Withheld) for each in made] == [True, False]


def test_nobody_is_invited_twice_or_to_no_address(product: Product) -> None:
    invite(product)
    with pytest.raises(AdminKnown):
        invite(product, email="EVE@desk.example")
    with pytest.raises(AddressInvalid):
        invite(product, email="eve")


def test_of_two_invitations_to_one_address_at_once_one_counts(product: Product) -> None:
    refused: list[type[Exception]] = []

    def again() -> None:
        try:
            invite(product)
        except Exception as error:
            refused.append(type(error))

    second = threading.Thread(target=again)
    with product.database.transaction() as session:
        people.invite(session, email=EMAIL, role=Role.EDITOR, language="en", links=product.links, now=NOW)
        second.start()
        second.join(timeout=0.3)
    second.join()
    assert refused == [AdminKnown]
    assert len(letters(product)) == 1


def test_who_can_come_in_gets_no_invitation(product: Product) -> None:
    admin_id = add(product, "ada@desk.example")
    with product.database.transaction() as session:
        admin = session.get_one(Admin, admin_id)
        signin.set_password(session, admin=admin, password="lanterne plouf orage 7", kept_secret=None, now=NOW)
    with pytest.raises(TransitionRefused), product.database.transaction() as session:
        people.send_invitation(session, admin_id=admin_id, links=product.links, now=NOW)


def test_the_last_admin_stays_one(product: Product) -> None:
    ada, ben = add(product, "ada@desk.example"), add(product, "ben@desk.example", Role.PUBLISHER)
    with pytest.raises(LastAdmin), product.database.transaction() as session:
        people.change_role(session, admin_id=ada, role=Role.PUBLISHER)
    with pytest.raises(LastAdmin), product.database.transaction() as session:
        people.remove_admin(session, admin_id=ada)
    with product.database.transaction() as session:
        people.change_role(session, admin_id=ben, role=Role.ADMIN)
        people.remove_admin(session, admin_id=ada)
    with pytest.raises(LastAdmin), product.database.transaction() as session:
        people.change_role(session, admin_id=ben, role=Role.VIEWER)


def test_two_admins_cannot_remove_each_other_at_once(product: Product) -> None:
    ada, ben, refused = add(product, "ada@desk.example"), add(product, "ben@desk.example"), []

    def remove_ben() -> None:
        try:
            with product.database.transaction() as session:
                people.remove_admin(session, admin_id=ben)
        except LastAdmin:
            refused.append(ben)

    second = threading.Thread(target=remove_ben)
    with product.database.transaction() as session:
        people.remove_admin(session, admin_id=ada)
        second.start()
        second.join(timeout=0.3)
    second.join()
    assert refused == [ben]


def test_who_is_removed_is_out_at_once_and_their_acts_stay(product: Product) -> None:
    add(product, "ada@desk.example")
    ben = add(product, "ben@desk.example", Role.EDITOR)
    with product.database.transaction() as session:
        link = signin.make_signin_link(session, admin=session.get_one(Admin, ben), now=NOW)
        entered = signin.use_signin_link(session, secret=link, agent="", now=NOW)
    with product.database.transaction() as session:
        people.remove_admin(session, admin_id=ben)
    with product.database.reading() as session:
        assert sessions.session_admin(session, secret=entered.secret, now=NOW) is None
        acts = session.scalars(sa.select(AuditEntry.act).where(AuditEntry.actor == "ben@desk.example")).all()
    assert acts == ["sign-in-link"]
