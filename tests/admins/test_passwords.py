import pytest
from argon2 import PasswordHasher, extract_parameters

from app.admins.models import Admin
from app.admins.passwords import Weakness, choose_password, hash_password, is_outdated, is_password, weakness
from app.errors import PasswordRefused

GOOD = "lanterne plouf orage 7"


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("elevenchars", Weakness.SHORT),
        ("x" * 129, Weakness.LONG),
        ("motdepasse1234", Weakness.EASY),
        ("P@ssw0rdP@ssw0rd", Weakness.EASY),
        ("Marseille2024!", Weakness.EASY),
        ("azertyuiop12", Weakness.EASY),
        ("qwertyuiopasdfghjkl", Weakness.EASY),
        ("aaaaaaaaaaaaaaaa", Weakness.EASY),
        ("123456789012", Weakness.EASY),
        ("jetaimenicolas", Weakness.EASY),
        ("abababababababab", Weakness.EASY),
        ("correct horse battery staple", None),
        ("8F#k2!pQ9x$w", None),
        ("été sous l’écluse", None),
        ("no digit nor capital here", None),
        ("z" * 20 + "lanterne sous orage", None),
    ],
)
def test_a_password_is_judged_by_length_and_by_how_soon_it_is_guessed(password: str, expected: Weakness | None) -> None:
    assert weakness(password) is expected


def test_a_password_made_of_ones_own_name_is_refused() -> None:
    assert weakness("Wilhelmina.Overstraeten", about=("wilhelmina.overstraeten@desk.example",)) is Weakness.EASY
    assert weakness("Wilhelmina.Overstraeten") is None


@pytest.mark.parametrize("length", [12, 64, 128])
def test_every_length_from_12_to_128_can_be_used(length: int) -> None:
    password = ("lanterne plouf orage " * 7)[:length]
    assert weakness(password) is None
    assert is_password(password, hash_password(password))


def test_a_hash_is_argon2id_with_at_least_owasps_parameters() -> None:
    parameters = extract_parameters(hash_password(GOOD))
    assert hash_password(GOOD).startswith("$argon2id$")
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2


def test_the_same_password_has_another_hash_each_time() -> None:
    assert hash_password(GOOD) != hash_password(GOOD)


def test_only_the_right_password_matches() -> None:
    stored = hash_password(GOOD)
    assert is_password(GOOD, stored)
    assert not is_password(GOOD + " ", stored)
    assert not is_password("", stored)


def test_nobody_has_the_password_that_stands_in_for_a_missing_hash() -> None:
    assert not is_password("no admin has this password", None)
    assert not is_password(GOOD, None)


def test_a_damaged_hash_matches_nothing() -> None:
    assert not is_password(GOOD, "not a hash")


def test_a_hash_with_weaker_parameters_is_outdated() -> None:
    assert is_outdated(PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(GOOD))
    assert not is_outdated(hash_password(GOOD))


def test_a_password_is_chosen_unless_it_is_weak_for_who_chooses_it() -> None:
    admin = Admin(email="ada.lovelace@desk.example")
    assert is_password(GOOD, choose_password(admin, GOOD))
    with pytest.raises(PasswordRefused) as refused:
        choose_password(admin, "ada.lovelace")
    assert refused.value.weakness == "easy"
