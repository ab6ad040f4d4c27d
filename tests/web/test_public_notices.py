"""The privacy policy says all that the law asks for, with the values in force; the legal notice names who publishes."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import templating
from app.clocks import rules
from app.newsletters.defaults import install_defaults
from app.newsletters.wordings import store_policy
from app.product import Product
from app.settings.publication import Identity, Measurement
from app.settings.retention import Retention
from tests.conftest import NOW
from tests.web.visitor import Page

TEMPLATES = Path(templating.TEMPLATES)

#: What GDPR art. 13 and French law want said, as the words that say it in each language.
CHECKLIST: dict[str, tuple[str, str]] = {
    "controller (13(1)(a))": ("responsable du traitement", "The controller is"),
    "contact or officer (13(1)(b))": ("délégué à la protection des données", "data protection officer"),
    "purposes (13(1)(c))": ("Vous envoyer la lettre", "Sending you the newsletter"),
    "legal basis: consent": ("Votre consentement (RGPD, art. 6", "Your consent (GDPR art. 6(1)(a)"),
    "legitimate interest named (13(1)(d))": ("Notre intérêt légitime", "Our legitimate interest"),
    "recipients (13(1)(e))": ("Les destinataires sont", "The recipients are"),
    "processors": ("Nos sous-traitants", "Our processors"),
    "transfers (13(1)(f))": ("hors de l’Espace économique européen", "outside the European Economic Area"),
    "retention (13(2)(a))": ("Combien de temps", "For how long"),
    "access (13(2)(b))": ("accès à vos données", "access to your data"),
    "rectification": ("rectification", "rectification"),
    "erasure": ("effacement", "erasure"),
    "restriction": ("limitation du traitement", "restriction of their processing"),
    "objection": ("vous opposer à tout moment", "object to receiving"),
    "portability": ("portabilité", "portability"),
    "how to use the rights": ("dans un délai d’un mois", "within one month"),
    "withdrawal (13(2)(c))": ("Retirer votre consentement", "Withdrawing your consent"),
    "withdrawal keeps the past lawful": ("reste licite", "stays lawful"),
    "complaint (13(2)(d))": ("Commission nationale de l’informatique", "Commission nationale de l’informatique"),
    "what is mandatory (13(2)(e))": ("est obligatoire", "is mandatory"),
    "consequence of not giving it": ("aucune lettre ne peut partir", "no letter can leave"),
    "no automated decision (13(2)(f))": ("façon automatisée", "automated means"),
    "instructions after death (LIL 85)": ("après votre mort", "after your death"),
    "age": ("15 ans ou plus", "15 or over"),
    "no trackers or cookies": ("aucun cookie", "no cookie"),
}  # fmt: skip


def policy_text(client: FlaskClient, language: str) -> str:
    return " ".join(Page(client.get(f"/{language}/privacy").text).text.replace("\u00a0", " ").split())


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_policy_says_everything_on_the_list(client: FlaskClient, product: Product, language: str) -> None:
    text = policy_text(client, language)
    missing = [point for point, words in CHECKLIST.items() if words[language == "en"].lower() not in text.lower()]
    assert not missing
    identity = product.config.identity
    for fact in (identity.publisher, identity.postal_address, identity.contact, identity.host):
        assert fact in text


#: Where each point stands: the section's id, and what must be said in it in each language.
SECTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "controller": (("responsable du traitement", "controller"), ("contact@", "contact@"), ("Délégué", "officer")),
    "data": (("obligatoire", "mandatory"), ("langue", "language")),
    "purposes": (("art. 6, § 1, a", "6(1)(a)"), ("art. 6, § 1, c", "6(1)(c)"), ("art. 6, § 1, f", "6(1)(f)")),
    "recipients": (("destinataires", "recipients"), ("sous-traitants", "processors")),
    "transfers": (("Espace économique européen", "European Economic Area"),),
    "retention": (("3 ans", "3 years"), ("30 jours", "30 days"), ("6 mois", "6 months"), ("14 jours", "14 days")),
    "withdrawal": (("À tout moment", "At any time"), ("Se désabonner", "Unsubscribe")),
    "rights": (("accès", "access"), ("portabilité", "portability"), ("effacement", "erasure"), ("mort", "death")),
    "complaint": (("CNIL", "CNIL"),),
}


def sections_of(html: str) -> dict[str, str]:
    """The text of each section of a policy, by the id of its heading."""
    pieces = re.split(r'<h2 id="([a-z]+)">', html.partition("<article")[2].partition("</article>")[0])
    texts = (" ".join(Page(piece).text.replace("\u00a0", " ").split()) for piece in pieces[2::2])
    return dict(zip(pieces[1::2], texts, strict=True))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_point_stands_under_its_own_heading(client: FlaskClient, language: str) -> None:
    sections = sections_of(client.get(f"/{language}/privacy").text)
    for name, points in SECTIONS.items():
        missing = [point for point in points if point[language == "en"].lower() not in sections[name].lower()]
        assert not missing, name


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_policy_lists_every_clock(client: FlaskClient, product: Product, language: str) -> None:
    retention = sections_of(client.get(f"/{language}/privacy").text)["retention"]
    for rule in rules(product.config.retention, language):
        assert rule.title.replace("\u00a0", " ") in retention
        assert rule.rule.replace("\u00a0", " ") in retention


@pytest.mark.parametrize(
    ("language", "values"),
    [
        ("fr", ("est valable 11 heures", "après 12 jours", "pendant 2 ans", "4 ans après", "9 mois")),
        ("en", ("for 11 hours", "after 12 days", "After 2 years", "4 years after", "9 months")),
    ],
)
def test_the_policy_prints_the_real_retention_values(
    client: FlaskClient, product: Product, language: str, values: tuple[str, ...]
) -> None:
    retention = Retention(confirm_hours=11, pending_days=12, proof_years=4, inactive_years=2, log_months=9)
    identity = replace(Identity(), data_protection_officer="D. Exemple", processors="Relais Exemple, Paris")
    with product.database.transaction() as session:
        changed = replace(product.config, retention=retention, identity=identity)
        install_defaults(session, changed, NOW + timedelta(days=1))
    text = policy_text(client, language)
    assert not [value for value in (*values, "D. Exemple", "Relais Exemple, Paris") if value not in text]


def test_a_single_year_is_singular(product: Product) -> None:
    for language, wanted in (("fr", "1\u00a0an "), ("en", "1\u00a0year ")):
        body = templating.render(
            f"public/policy.{language}.html",
            language,
            identity=Identity(),
            newsletters=["Vigie"],
            clocks=rules(Retention(proof_years=1, inactive_years=1), language),
            measurement=Measurement.OFF,
            mail_is_ours=True,
        )
        assert wanted in body


def test_earlier_policies_stay_readable(client: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        store_policy(session, language="fr", body="<p>La deuxième</p>", now=NOW + timedelta(days=1))
    assert "La deuxième" in client.get("/fr/privacy").text
    first = client.get("/fr/privacy/1").text
    assert "responsable du traitement" in first
    assert "La deuxième" not in first
    assert "/fr/privacy/1" in client.get("/fr/privacy").text
    assert client.get("/fr/privacy/9").status_code == 404


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_legal_notice_names_publisher_director_host_and_contact(
    client: FlaskClient, product: Product, language: str
) -> None:
    text = Page(client.get(f"/{language}/legal").text).text
    identity = product.config.identity
    for fact in (identity.publisher, identity.postal_address, identity.director, identity.host, identity.contact):
        assert fact in text


@pytest.mark.parametrize(
    "path", ["/fr/", "/en/", "/fr/privacy", "/en/legal", "/fr/check-your-mail", "/fr/nowhere", "/fr/confirm/x"]
)
def test_every_page_links_to_the_legal_notice_and_the_policy(client: FlaskClient, path: str) -> None:
    language = path[1:3]
    links = {each["href"] for each in Page(client.get(path).text).all("a")}
    assert {f"/{language}/legal", f"/{language}/privacy", f"/{language}/archive"} <= links


def test_the_french_policy_has_french_typography() -> None:
    text = (TEMPLATES / "public" / "policy.fr.html").read_text(encoding="utf-8")
    text = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]+>", "", text, flags=re.DOTALL)
    assert not re.search(r"(?<![\u00a0])[;!?»]|(?<=\w)(?<!\u00a0):(?=\s)|«(?!\u00a0)|'|\u202f", text)
