"""What a header calls its columns, guessed and corrected."""

import pytest

from app.errors import InputRefused
from app.subscriptions.newcomers.columns import Column, guess_places, places_named

HEADER = ("Prénom", "Courriel", "Email", "Date de l’inscription", "Source")


@pytest.mark.parametrize(
    ("word", "column"),
    [("E-MAIL", Column.EMAIL), ("Adresse_e-mail", Column.EMAIL), ("EMAIL_ADDRESS", Column.EMAIL),
     ("Date d'inscription", Column.CONSENTED_ON), ("OPTIN_TIME", Column.CONSENTED_ON), ("Statut", Column.STATUS),
     ("État", Column.STATUS), ("Langue", Column.LANGUAGE), ("Provenance", Column.SOURCE)],
)  # fmt: skip
def test_words_of_other_programs_are_known(word: str, column: Column) -> None:
    assert guess_places(["x", word]) == {column: 1}


def test_a_guess_is_corrected_by_the_headers_own_words() -> None:
    assert guess_places(("Mail", "Courriel", "Source")) == {Column.SOURCE: 2}
    named = {"email": "Courriel", "consented_on": "Date de l’inscription", "source": ""}
    assert places_named(HEADER, named) == {Column.EMAIL: 1, Column.CONSENTED_ON: 3}


@pytest.mark.parametrize("named", [{"email": ""}, {"email": "Mail"}, {"email": "Source"}, {"mail": "Email"}])
def test_what_names_no_column_of_addresses_is_refused(named: dict[str, str]) -> None:
    with pytest.raises(InputRefused):
        places_named(HEADER, named)
