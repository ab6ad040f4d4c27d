"""The sign-up block below an article goes; an article about newsletters stays."""

import pytest

from app.articles.invitations import without_invitation

ARTICLE = "Le port a rouvert lundi. Les navires attendent encore au large.\n\nUne enquête est ouverte."


@pytest.mark.parametrize(
    "block",
    [
        "Abonnez-vous à notre newsletter",
        "Inscrivez-vous à notre lettre d’information\nVotre adresse e-mail\nJe m’inscris",
        "Pour ne rien manquer, abonnez-vous à notre infolettre hebdomadaire.",
        "Restez informée\nNotre newsletter\nEn indiquant votre adresse, vous acceptez nos conditions générales.",
        "Recevez chaque matin l’essentiel dans votre boîte mail.\nS’abonner",
        "Newsletter\nVotre courriel\nVous pouvez vous désabonner à tout moment grâce au lien de chaque envoi.\nOK",
        "***\n\nSign up for our daily newsletter.",
        "Stay in the loop\nYour email\nSubscribe\nBy subscribing you agree to our terms. You can unsubscribe any time.",
        "Get the latest updates right in your inbox.",
        "Subscribe to the Morning Letter newsletter\n\nGet the day’s top stories delivered to your inbox.",
        "Please sign up to receive our weekly briefing.",
    ],
)  # fmt: skip
def test_an_invitation_at_the_end_is_taken_away(block) -> None:
    assert without_invitation(f"{ARTICLE}\n\n{block}") == ARTICLE


def test_an_invitation_that_stands_twice_goes_twice() -> None:
    block = "Ne manquez rien\nS’abonner à\nl’infolettre\nVous pourrez vous désabonner à tout moment."
    assert without_invitation(f"{ARTICLE}\n{block}\n{block}") == ARTICLE


def test_only_the_last_sentence_goes_when_the_invitation_is_one() -> None:
    assert without_invitation(f"{ARTICLE} Inscrivez-vous à notre newsletter !") == ARTICLE


@pytest.mark.parametrize(
    "ending",
    [
        "Le groupe visait les abonnés d’une newsletter spécialisée.",
        "Il invite ses lecteurs à s’abonner à sa newsletter.",
        "Aucun lien ne permettait aux victimes de se désinscrire.",
        "The attackers sent a fake newsletter to every inbox. Nobody could unsubscribe.",
        "The regulator fined the firm because its privacy policy said nothing about e-mail.",
        "Les employés n’avaient pas lu la consigne.",
        "Suivez-nous",
        "Il faut voter, conclut-elle. Envoyer",
    ],
)
def test_an_ending_that_is_no_invitation_stays(ending) -> None:
    text = f"{ARTICLE}\n\n{ending}"
    assert without_invitation(text) == text


def test_an_invitation_in_the_middle_stays() -> None:
    text = f"Abonnez-vous à notre newsletter.\n\n{ARTICLE}"
    assert without_invitation(text) == text


def test_a_text_that_is_nothing_else_is_kept_whole() -> None:
    assert without_invitation("Abonnez-vous à notre newsletter.") == "Abonnez-vous à notre newsletter."
