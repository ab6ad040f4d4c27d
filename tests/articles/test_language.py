"""Languages of texts: what is certain, and silence where it is not."""

import pytest

from app.articles.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Le port a rouvert lundi, après onze jours de silence radio ; les navires attendent au large.", "fr"),
        ("The port reopened on Monday after eleven days of radio silence; ships are still waiting.", "en"),
        ("Die Bundesregierung hat am Montag ein Gesetz über die Sicherheit der Netze beschlossen.", "de"),
        (
            "El puerto reabrió el lunes; los barcos todavía están fuera y nadie sabe cuándo podrán entrar.",
            "es",
        ),
        ("Apple iOS 17.3", None),
        ("", None),
        ("0123456789 " * 20, None),
    ],
)
def test_a_text_is_told_by_itself(text, language) -> None:
    assert detect_language(text) == language
