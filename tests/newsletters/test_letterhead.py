"""The addresses of a newsletter's own: which are taken, and which of them letters leave from."""

from dataclasses import replace

import pytest

from app.newsletters.letterhead import OwnAddresses, fault_words, is_sender_idle, letterhead_of, wire_form
from app.newsletters.models import Newsletter, NewsletterLanguage
from app.settings.mail import MailSettings
from config import Config

MAIL = MailSettings(sender="lettre@newsletter.example", bounce_domain="bounces.newsletter.example")
NORTH = "north@newsletter.example"


def north(*, sender: str | None = NORTH, reply_to: str | None = None) -> Newsletter:
    face = NewsletterLanguage(language="fr", name="Cap Nord", description="d", list_label="fr.north")
    return Newsletter(slug="north", sender=sender, reply_to=reply_to, languages=[face])


@pytest.mark.parametrize(
    ("sender", "reply_to", "faults"),
    [
        ("", "", {}),
        (NORTH, "desk@elsewhere.example", {}),
        ("North@Newsletter.EXAMPLE", "", {}),
        ("north@elsewhere.example", "", {"sender": "domain"}),
        ("north@mail.newsletter.example", "", {"sender": "domain"}),
        ("north@xnewsletter.example", "", {"sender": "domain"}),
        ("north", "desk", {"sender": "address", "reply_to": "address"}),
        ("North <north@newsletter.example>", "", {"sender": "address"}),
        ("a@newsletter.example, b@newsletter.example", "", {"sender": "address"}),
        ("north@newsletter.example\nBcc: x@reader.example", "", {"sender": "address"}),
        ("été@newsletter.example", "été@desk.example", {"sender": "ascii", "reply_to": "ascii"}),
        ("", "desk@été.example", {}),
        ("", "desk@Bounces.newsletter.example", {"reply_to": "bounces"}),
    ],
)
def test_only_what_dmarc_and_every_server_let_pass_is_taken(sender: str, reply_to: str, faults: dict[str, str]) -> None:
    assert OwnAddresses(sender, reply_to).faults(MAIL) == faults
    assert set(faults.values()) <= fault_words(MAIL).keys()


def test_an_address_goes_into_letters_in_its_wire_form() -> None:
    assert wire_form("desk@été.example") == "desk@xn--t-9fab.example"


def test_where_it_has_none_of_its_own_the_settings_hold(config: Config) -> None:
    head = letterhead_of(north(sender=None), "fr", config)
    assert (head.from_address, head.reply_to) == (config.mail.sender, config.identity.contact)
    head = letterhead_of(north(reply_to="desk@elsewhere.example"), "fr", config)
    assert (head.from_name, head.from_address, head.reply_to) == ("Cap Nord", NORTH, "desk@elsewhere.example")


def test_a_sender_that_the_settings_domain_left_behind_is_not_used(config: Config) -> None:
    moved = replace(config, mail=replace(MAIL, sender="lettre@moved.example"))
    assert is_sender_idle(north(), moved.mail)
    assert letterhead_of(north(), "fr", moved).from_address == "lettre@moved.example"
    assert not is_sender_idle(north(sender=None), moved.mail)
