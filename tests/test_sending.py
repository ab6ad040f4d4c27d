"""The senders as they are wired."""

from app.sending import rates_of
from app.settings.mail import MailSettings


def test_no_setting_is_no_limit() -> None:
    rates = rates_of(MailSettings())
    assert (rates.relay, rates.providers) == (None, {})


def test_a_providers_domains_share_the_lower_limit() -> None:
    rates = rates_of(MailSettings(rate_per_minute=600, domain_rates=(("orange.fr", 120), ("wanadoo.fr", 60))))
    assert (rates.relay, rates.providers) == (600, {"orange.fr": 60})
