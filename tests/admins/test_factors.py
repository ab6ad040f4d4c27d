"""Second factors: codes that are good once and for their moment, codes that stand in for them, and the brake."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pyotp
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.admins import factors, proving, sessions, signin
from app.admins.models import Admin, AdminSession, AuditAct, AuditEntry, AuditResult, Authenticator, RecoveryCode, Role
from app.admins.vault import Vault
from app.errors import FactorRefused, SigninRefused, SigninThrottled, TransitionRefused
from app.product import Product
from tests.conftest import NOW

PASSWORD = "lanterne plouf orage 7"
KEYS = ("o" * 40, "n" * 40)
VAULT = Vault(KEYS)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def ada(product: Product) -> Admin:
    with product.database.transaction() as session:
        admin = signin.create_admin(session, email="ada@desk.example", language="en", role=Role.ADMIN, now=NOW)
        signin.set_password(session, admin=admin, password=PASSWORD, kept_secret=None, now=NOW)
    return admin


@pytest.fixture
def app_secret(product: Product, ada: Admin) -> str:
    """What ada's app shares with us."""
    return enrol(product, ada.id)


def enrol(product: Product, admin_id: int, *, kept: str = "", at: datetime = NOW) -> str:
    offer = factors.offer_authenticator(VAULT, email="ada@desk.example", issuer="Vigie")
    with product.database.transaction() as session:
        factors.add_authenticator(
            session, admin=session.get_one(Admin, admin_id), token=offer.token, code=code_of(offer.secret, at),
            kept_secret=kept, vault=VAULT, now=at,
        )  # fmt: skip
    return offer.secret


def code_of(secret: str, at: datetime) -> str:
    return pyotp.TOTP(secret).at(at)


def first_step(product: Product, *, at: datetime = LATER) -> sessions.SignedIn:
    return signin.sign_in(
        product.database, email="ada@desk.example", password=PASSWORD, network="n1", browser=None, agent="Firefox",
        key="k", now=at,
    )  # fmt: skip


def second_step(product: Product, secret: str, code: str, *, at: datetime = LATER) -> sessions.SignedIn:
    proof = factors.by_code(code, VAULT)
    return proving.enter(product.database, secret=secret, proof=proof, key="k", now=at)


def is_live(product: Product, secret: str, *, at: datetime = LATER) -> bool:
    with product.database.reading() as session:
        return sessions.session_admin(session, secret=secret, now=at) is not None


def click_four_times(product: Product, ada: Admin, act: Callable[[Session, Admin], object]) -> list[Exception]:
    """Do one thing four times at once, and return what it failed with."""
    barrier, failed = threading.Barrier(4), []

    def click() -> None:
        barrier.wait()
        try:
            with product.database.transaction() as session:
                act(session, session.get_one(Admin, ada.id))
        except Exception as error:
            failed.append(error)

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    return failed


def test_of_two_clicks_at_once_on_one_form_one_waits_for_the_other(product: Product, ada: Admin) -> None:
    offer = factors.offer_authenticator(VAULT, email=ada.email, issuer="Vigie")

    def add(session: Session, admin: Admin) -> None:
        factors.add_authenticator(
            session, admin=admin, token=offer.token, code=code_of(offer.secret, NOW), kept_secret="", vault=VAULT,
            now=NOW,
        )  # fmt: skip

    assert click_four_times(product, ada, add) == []


def test_of_codes_that_are_made_twice_at_once_only_the_last_are_good(product: Product, ada: Admin) -> None:
    def make(session: Session, admin: Admin) -> None:
        factors.make_codes(session, admin=admin, now=NOW)
        time.sleep(0.05)  # so that the others have begun

    assert click_four_times(product, ada, make) == []
    with product.database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == factors.CODES


def test_a_password_alone_opens_nothing_once_there_is_a_factor(product: Product, app_secret: str) -> None:
    started = first_step(product)
    assert started.browser is None
    assert not is_live(product, started.secret)
    entered = second_step(product, started.secret, code_of(app_secret, LATER))
    assert is_live(product, entered.secret)
    assert not is_live(product, started.secret)


def test_a_one_time_link_does_not_skip_the_factor(product: Product, ada: Admin, app_secret: str) -> None:
    with product.database.transaction() as session:
        link = signin.make_signin_link(session, admin=session.get_one(Admin, ada.id), now=LATER)
        started = signin.use_signin_link(session, secret=link, agent="", now=LATER)
    assert not is_live(product, started.secret)
    assert is_live(product, second_step(product, started.secret, code_of(app_secret, LATER)).secret)


def test_a_code_is_good_once(product: Product, app_secret: str) -> None:
    code = code_of(app_secret, LATER)
    second_step(product, first_step(product).secret, code)
    for at in (LATER, LATER + timedelta(seconds=20)):
        with pytest.raises(SigninRefused):
            second_step(product, first_step(product, at=at).secret, code, at=at)


def test_the_code_that_enrolled_an_app_lets_nobody_in(product: Product, app_secret: str) -> None:
    with pytest.raises(SigninRefused):
        second_step(product, first_step(product, at=NOW).secret, code_of(app_secret, NOW), at=NOW)


def test_of_two_who_send_one_code_at_once_one_enters(product: Product, app_secret: str) -> None:
    code, entered = code_of(app_secret, LATER), []
    started = [first_step(product).secret for _ in range(2)]

    def send(secret: str) -> None:
        with suppress(SigninRefused):
            entered.append(second_step(product, secret, code))

    threads = [threading.Thread(target=send, args=(secret,)) for secret in started]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entered) == 1


@pytest.mark.parametrize(("seconds", "enters"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_clocks_may_differ_by_half_a_minute(product: Product, app_secret: str, seconds: int, enters: bool) -> None:
    at = NOW + timedelta(minutes=10)
    started, code = first_step(product, at=at).secret, code_of(app_secret, at + timedelta(seconds=seconds))
    if enters:
        assert second_step(product, started, code, at=at)
    else:
        with pytest.raises(SigninRefused):
            second_step(product, started, code, at=at)


@pytest.mark.parametrize("code", ["", "0", "١٢٣٤٥٦", "000000\0", "x" * 5000, "12345678901234567890"])
def test_odd_codes_are_refused_like_any_other(product: Product, app_secret: str, code: str) -> None:
    with pytest.raises(SigninRefused):
        second_step(product, first_step(product).secret, code)


def test_guesses_at_codes_have_to_wait_whatever_the_browser(product: Product, app_secret: str) -> None:
    for _ in range(6):
        with pytest.raises(SigninRefused):
            second_step(product, first_step(product).secret, "000000")
    with pytest.raises(SigninThrottled):
        second_step(product, first_step(product).secret, code_of(app_secret, LATER))
    at = LATER + timedelta(seconds=2)
    assert second_step(product, first_step(product, at=at).secret, code_of(app_secret, at), at=at)
    with product.database.reading() as session:
        results = session.scalars(sa.select(AuditEntry.result).where(AuditEntry.act == AuditAct.SECOND_STEP)).all()
    assert results == [AuditResult.FAILED] * 6 + [AuditResult.THROTTLED]


def test_the_second_step_has_to_follow_within_minutes(product: Product, app_secret: str) -> None:
    started, at = first_step(product).secret, LATER + sessions.STEP_LIFE
    with pytest.raises(SigninRefused):
        second_step(product, started, code_of(app_secret, at), at=at)


def test_a_recovery_code_lets_in_once_however_it_is_typed(product: Product, ada: Admin, app_secret: str) -> None:
    with product.database.transaction() as session:
        codes = factors.make_codes(session, admin=session.get_one(Admin, ada.id), now=NOW)
    assert len(set(codes)) == factors.CODES
    typed = f" {codes[3].upper().replace('-', ' ').replace('0', 'O').replace('1', 'l')} "
    assert second_step(product, first_step(product).secret, typed)
    with pytest.raises(SigninRefused):
        second_step(product, first_step(product).secret, codes[3])
    assert second_step(product, first_step(product).secret, codes[4])
    with product.database.reading() as session:
        assert factors.read_factors(session, ada.id).codes_left == 8
        stored = session.scalars(sa.select(RecoveryCode.code_sha256)).all()
    assert not any(code.replace("-", "") in "".join(stored) for code in codes)


def test_new_codes_replace_the_old_ones(product: Product, ada: Admin, app_secret: str) -> None:
    with product.database.transaction() as session:
        admin = session.get_one(Admin, ada.id)
        old, new = (factors.make_codes(session, admin=admin, now=NOW) for _ in range(2))
    with pytest.raises(SigninRefused):
        second_step(product, first_step(product).secret, old[0])
    assert second_step(product, first_step(product).secret, new[0])


def test_another_persons_recovery_code_opens_nothing(product: Product, app_secret: str) -> None:
    with product.database.transaction() as session:
        ben = signin.create_admin(session, email="ben@desk.example", language="en", role=Role.ADMIN, now=NOW)
        codes = factors.make_codes(session, admin=ben, now=NOW)
    with pytest.raises(SigninRefused):
        second_step(product, first_step(product).secret, codes[0])


def test_a_change_of_factors_ends_all_other_sessions(product: Product, ada: Admin) -> None:
    kept, other = (first_step(product, at=NOW).secret for _ in range(2))
    enrol(product, ada.id, kept=kept)
    assert [is_live(product, secret, at=NOW) for secret in (kept, other)] == [True, False]


def test_the_wrong_code_or_an_old_page_enrols_nothing(product: Product, ada: Admin) -> None:
    offer = factors.offer_authenticator(VAULT, email="ada@desk.example", issuer="Vigie")
    tries = [(offer.token, "000000"), ("forged", code_of(offer.secret, NOW)), ("", ""), (offer.token, "")]
    for token, code in tries:
        with pytest.raises(FactorRefused), product.database.transaction() as session:
            factors.add_authenticator(
                session, admin=session.get_one(Admin, ada.id), token=token, code=code, kept_secret="", vault=VAULT,
                now=NOW,
            )  # fmt: skip
    with product.database.reading() as session:
        assert factors.read_factors(session, ada.id).number == 0


def test_the_only_factor_stays_where_one_is_asked_for(product: Product, ada: Admin, app_secret: str) -> None:
    def remove(may_be_last: bool) -> None:
        with product.database.transaction() as session:
            factors.remove_authenticator(
                session, admin=session.get_one(Admin, ada.id), may_be_last=may_be_last, kept_secret="", now=NOW
            )

    with pytest.raises(TransitionRefused):
        remove(may_be_last=False)
    remove(may_be_last=True)
    assert is_live(product, first_step(product).secret)


def test_a_reset_takes_everything_and_ends_sessions(product: Product, ada: Admin, app_secret: str) -> None:
    entered = second_step(product, first_step(product).secret, code_of(app_secret, LATER))
    with product.database.transaction() as session:
        admin = session.get_one(Admin, ada.id)
        factors.make_codes(session, admin=admin, now=NOW)
        assert factors.reset_factors(session, admin=admin, now=LATER) == 1
    assert not is_live(product, entered.secret)
    assert is_live(product, first_step(product).secret)


def test_what_the_app_shares_is_unreadable_without_our_keys(product: Product, app_secret: str) -> None:
    with product.database.reading() as session:
        locked = session.scalars(sa.select(Authenticator.locked_secret)).one()
    assert app_secret.encode() not in locked
    assert VAULT.unlock(locked) == app_secret
    assert Vault((*KEYS, "z" * 40)).unlock(locked) == app_secret
    assert Vault(("z" * 40,)).unlock(locked) is None


def test_only_an_open_session_can_be_proved_again(product: Product, ada: Admin) -> None:
    entered, at = first_step(product, at=NOW), NOW + timedelta(minutes=20)

    def prove(password: str) -> None:
        proof = proving.by_password(password, ada.password_hash)
        proving.prove_again(product.database, secret=entered.secret, proof=proof, key="k", now=at)

    with pytest.raises(SigninRefused):
        prove("wrong wrong wrong")
    assert not freshness(product, at)
    prove(PASSWORD)
    assert freshness(product, at)
    with product.database.transaction() as session:
        sessions.end_sessions(session, admin_id=ada.id, kept_secret=None, now=at)
    with pytest.raises(SigninRefused):
        prove(PASSWORD)


def freshness(product: Product, at: datetime) -> bool:
    with product.database.reading() as session:
        return sessions.is_fresh(session.scalars(sa.select(AdminSession)).one(), now=at)
