import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from app.admins import passwords, sessions, signin
from app.admins.models import Admin, AdminSession, Role, SigninFailures, SigninLink
from app.errors import AddressInvalid, PasswordRefused, SigninRefused, SigninThrottled
from app.product import Product
from tests.conftest import NOW

PASSWORD = "lanterne plouf orage 7"
OTHER = "canal brume 19 tilleul"
KEY = "throttle-key-of-the-tests"


@pytest.fixture
def ada(product: Product) -> Admin:
    with product.database.transaction() as session:
        admin = signin.create_admin(session, email="Ada@Desk.example", language="en", role=Role.ADMIN, now=NOW)
        signin.set_password(session, admin=admin, password=PASSWORD, kept_secret=None, now=NOW)
    return admin


def enter(product: Product, password: str = PASSWORD, *, email="ada@desk.example", browser=None, at=NOW, network="n1"):
    return signin.sign_in(
        product.database,
        email=email,
        password=password,
        network=network,
        browser=browser,
        agent="Firefox, Linux",
        key=KEY,
        now=at,
    )


def live(product: Product, secret: str, *, at: datetime = NOW) -> AdminSession | None:
    with product.database.reading() as session:
        return sessions.session_admin(session, secret=secret, now=at)


def make_link(product: Product, admin: Admin, **kwargs: timedelta) -> str:
    with product.database.transaction() as session:
        return signin.make_signin_link(session, admin=admin, now=NOW, **kwargs)


def use_link(product: Product, secret: str, *, at: datetime = NOW) -> signin.SignedIn:
    with product.database.transaction() as session:
        return signin.use_signin_link(session, secret=secret, agent="", now=at)


def test_an_admin_is_found_by_address_whatever_its_case(product: Product, ada: Admin) -> None:
    with product.database.transaction() as session:
        assert (
            signin.create_admin(session, email="ADA@desk.EXAMPLE", language="fr", role=Role.ADMIN, now=NOW).id == ada.id
        )
        assert session.scalar(sa.select(sa.func.count()).select_from(Admin)) == 1


def test_an_admin_needs_a_valid_address(product: Product) -> None:
    with pytest.raises(AddressInvalid), product.database.transaction() as session:
        signin.create_admin(session, email="nobody", language="fr", role=Role.ADMIN, now=NOW)


def test_there_is_no_admin_by_default(product: Product) -> None:
    with product.database.reading() as session:
        assert session.scalar(sa.select(Admin)) is None


def test_a_link_lets_in_once(product: Product, ada: Admin) -> None:
    secret = make_link(product, ada)
    entered = use_link(product, secret)
    assert live(product, entered.secret).admin_id == ada.id
    with pytest.raises(SigninRefused):
        use_link(product, secret)


def test_a_link_ends_after_its_life(product: Product, ada: Admin) -> None:
    secret = make_link(product, ada, life=timedelta(minutes=10))
    with pytest.raises(SigninRefused):
        use_link(product, secret, at=NOW + timedelta(minutes=10))


def test_looking_at_a_link_does_not_use_it(product: Product, ada: Admin) -> None:
    secret = make_link(product, ada)
    with product.database.reading() as session:
        assert signin.admin_of_link(session, secret=secret, now=NOW)
        assert signin.admin_of_link(session, secret=secret, now=NOW)
        assert not signin.admin_of_link(session, secret="another", now=NOW)
    use_link(product, secret)
    with product.database.reading() as session:
        assert not signin.admin_of_link(session, secret=secret, now=NOW)


def test_a_new_link_ends_the_one_before(product: Product, ada: Admin) -> None:
    first = make_link(product, ada)
    make_link(product, ada)
    with pytest.raises(SigninRefused):
        use_link(product, first)


def test_two_browsers_that_use_a_link_at_once_get_one_session(product: Product, ada: Admin) -> None:
    secret = make_link(product, ada)
    barrier, entered, refused = threading.Barrier(4), [], []

    def use() -> None:
        barrier.wait()
        try:
            entered.append(use_link(product, secret))
        except SigninRefused:
            refused.append(1)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(entered), len(refused)) == (1, 3)


def test_secrets_are_long_and_stored_as_hashes_only(product: Product, ada: Admin) -> None:
    link = make_link(product, ada)
    entered = enter(product)
    assert min(len(link), len(entered.secret)) >= 43
    with product.database.reading() as session:
        stored = [*session.scalars(sa.select(SigninLink.secret_sha256)), session.get(Admin, ada.id).password_hash]
        stored += session.scalars(sa.select(AdminSession.secret_sha256)).all()
    assert all(secret not in value for value in stored for secret in (link, entered.secret, PASSWORD))


def test_the_right_password_opens_a_new_session_each_time(product: Product, ada: Admin) -> None:
    first, second = enter(product), enter(product)
    assert first.secret != second.secret
    assert live(product, first.secret).admin.email == "Ada@desk.example"


@pytest.mark.parametrize("email", ["ada@desk.example", "stranger@desk.example", "not an address", ""])
def test_a_wrong_password_and_an_unknown_address_are_refused_alike(product: Product, ada: Admin, email: str) -> None:
    with pytest.raises(SigninRefused) as refused:
        enter(product, "wrong wrong wrong", email=email)
    assert str(refused.value) == "wrong address or password"


def test_an_unknown_address_costs_as_much_hashing_as_a_known_one(
    product: Product, ada: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    real = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda self, h, p: verified.append(h[:30]) or real(self, h, p))
    for email in ("ada@desk.example", "stranger@desk.example"):
        with pytest.raises(SigninRefused):
            enter(product, "wrong wrong wrong", email=email)
    assert len(verified) == 2
    assert verified[0] == verified[1]


def test_an_admin_without_password_comes_in_by_link_only(product: Product) -> None:
    with product.database.transaction() as session:
        signin.create_admin(session, email="ben@desk.example", language="fr", role=Role.ADMIN, now=NOW)
    for password in ("", PASSWORD):
        with pytest.raises(SigninRefused):
            enter(product, password, email="ben@desk.example")


def test_failures_are_kept_although_the_sign_in_was_refused(product: Product, ada: Admin) -> None:
    for _ in range(6):
        with pytest.raises(SigninRefused):
            enter(product, "wrong wrong wrong")
    with pytest.raises(SigninThrottled):
        enter(product)
    assert enter(product, at=NOW + timedelta(seconds=1))


def test_guesses_made_all_at_once_all_count(product: Product, ada: Admin) -> None:
    throttled = []

    def guess() -> None:
        try:
            enter(product, "wrong wrong wrong")
        except SigninThrottled:
            throttled.append(1)
        except SigninRefused:
            pass

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(throttled) == 6


def test_a_stranger_cannot_lock_out_a_browser_that_signed_in_before(product: Product, ada: Admin) -> None:
    known = enter(product).browser
    for _ in range(6):
        with pytest.raises(SigninRefused):
            enter(product, "wrong wrong wrong")
    with pytest.raises(SigninThrottled):
        enter(product)
    assert enter(product, browser=known)


def test_a_browser_known_for_one_admin_is_a_stranger_to_another(product: Product, ada: Admin) -> None:
    known = enter(product).browser
    for _ in range(6):
        with pytest.raises(SigninRefused):
            enter(product, "wrong wrong wrong", email="ben@desk.example", browser=known)
    with pytest.raises(SigninThrottled):
        enter(product, "wrong wrong wrong", email="ben@desk.example", browser=known)


def test_success_forgives_earlier_failures(product: Product, ada: Admin) -> None:
    for _ in range(4):
        with pytest.raises(SigninRefused):
            enter(product, "wrong wrong wrong")
    enter(product)
    with product.database.reading() as session:
        assert session.scalars(sa.select(SigninFailures)).all() == []


def test_a_hash_with_old_parameters_is_renewed_at_sign_in(product: Product, ada: Admin) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with product.database.transaction() as session:
        session.execute(sa.update(Admin).values(password_hash=weak))
    enter(product)
    with product.database.reading() as session:
        renewed = session.get(Admin, ada.id).password_hash
    assert renewed != weak
    assert not passwords.is_outdated(renewed)
    assert enter(product)


def test_a_session_ends_after_half_an_hour_without_a_request(product: Product, ada: Admin) -> None:
    secret = enter(product).secret
    almost = NOW + timedelta(minutes=29, seconds=59)
    assert live(product, secret, at=almost)
    assert live(product, secret, at=NOW + timedelta(minutes=30)) is None
    with product.database.transaction() as session:
        sessions.see_session(session, session_id=live(product, secret, at=almost).id, now=almost)
    assert live(product, secret, at=NOW + timedelta(minutes=45))


def test_a_busy_session_ends_after_twelve_hours(product: Product, ada: Admin) -> None:
    secret = enter(product).secret
    at = NOW
    while at < NOW + timedelta(hours=11, minutes=59):
        at += timedelta(minutes=20)
        if (seen := live(product, secret, at=at)) is not None:
            with product.database.transaction() as session:
                sessions.see_session(session, session_id=seen.id, now=at)
    assert live(product, secret, at=NOW + timedelta(hours=12)) is None


def test_signing_out_ends_the_session_on_the_server(product: Product, ada: Admin) -> None:
    first, second = enter(product).secret, enter(product).secret
    with product.database.transaction() as session:
        sessions.sign_out(session, secret=first, now=NOW)
    assert live(product, first) is None
    assert live(product, second) is not None


def test_a_changed_password_ends_the_other_sessions_and_links(product: Product, ada: Admin) -> None:
    kept, other = enter(product).secret, enter(product).secret
    link = make_link(product, ada)
    signin.change_password(
        product.database, admin_id=ada.id, current=PASSWORD, new=OTHER, secret=kept, key=KEY, now=NOW
    )
    assert live(product, kept) is not None
    assert live(product, other) is None
    with pytest.raises(SigninRefused):
        use_link(product, link)
    with pytest.raises(SigninRefused):
        enter(product)
    assert enter(product, OTHER)


def test_changing_a_password_needs_the_current_one(product: Product, ada: Admin) -> None:
    def change(current: str) -> None:
        signin.change_password(
            product.database, admin_id=ada.id, current=current, new=OTHER, secret="s", key=KEY, now=NOW
        )

    for _ in range(6):
        with pytest.raises(SigninRefused):
            change("wrong wrong wrong")
    with pytest.raises(SigninThrottled):
        change(PASSWORD)
    assert enter(product)


def while_it_is_checked(product: Product, admin: Admin, attempt: Callable[[], object]) -> list[BaseException]:
    """Make `attempt` with the old password, change it while that is hashed, and return what it was refused for."""
    slow = PasswordHasher(time_cost=40, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD)
    with product.database.transaction() as session:
        session.execute(sa.update(Admin).values(password_hash=slow))
    refused: list[BaseException] = []

    def run() -> None:
        try:
            attempt()
        except SigninRefused as error:
            refused.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not count_of(product, SigninFailures):
        time.sleep(0.005)
    with product.database.transaction() as session:
        mine = session.get_one(Admin, admin.id)
        signin.set_password(session, admin=mine, password=OTHER, kept_secret=None, now=NOW)
    thread.join()
    return refused


def count_of(product: Product, table: type) -> int:
    with product.database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table))


def test_a_password_that_was_changed_while_it_was_checked_lets_nobody_in(product: Product, ada: Admin) -> None:
    assert while_it_is_checked(product, ada, lambda: enter(product))
    assert count_of(product, AdminSession) == 0


def test_a_password_that_was_changed_while_it_was_checked_changes_none(product: Product, ada: Admin) -> None:
    def change() -> None:
        signin.change_password(
            product.database, admin_id=ada.id, current=PASSWORD, new="brume tilleul 88 lampe", secret="s", key=KEY,
            now=NOW,
        )  # fmt: skip

    assert while_it_is_checked(product, ada, change)
    assert enter(product, OTHER)


def test_weak_new_passwords_are_no_guesses(product: Product, ada: Admin) -> None:
    for _ in range(8):
        with pytest.raises(PasswordRefused):
            signin.change_password(
                product.database, admin_id=ada.id, current=PASSWORD, new="short", secret="s", key=KEY, now=NOW
            )
    assert count_of(product, SigninFailures) == 0


def test_a_weak_new_password_changes_nothing(product: Product, ada: Admin) -> None:
    with pytest.raises(PasswordRefused):
        signin.change_password(
            product.database, admin_id=ada.id, current=PASSWORD, new="short", secret="s", key=KEY, now=NOW
        )
    assert enter(product)


def test_a_forgotten_password_opens_nothing_and_ends_all_sessions(product: Product, ada: Admin) -> None:
    secret = enter(product).secret
    with product.database.transaction() as session:
        signin.forget_password(session, admin=session.get(Admin, ada.id), now=NOW)
    assert live(product, secret) is None
    with pytest.raises(SigninRefused):
        enter(product)


def test_what_no_longer_does_anything_is_purged(product: Product, ada: Admin) -> None:
    old = enter(product).secret
    use_link(product, make_link(product, ada))
    with product.database.transaction() as session:
        sessions.sign_out(session, secret=old, now=NOW)
        assert signin.purge_signins(session, now=NOW) == 2
    with product.database.transaction() as session:
        assert signin.purge_signins(session, now=NOW + timedelta(hours=12)) == 1
