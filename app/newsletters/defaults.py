"""The newsletter that a fresh set-up has, and the texts in force, from the settings and the templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import templating
from app.clocks import rules
from app.newsletters.models import FIRST_SLUG, Newsletter, NewsletterLanguage, WordingPurpose, newsletter_by_slug
from app.newsletters.wordings import store_policy, store_wording
from config import Config


@dataclass(frozen=True)
class Texts:
    """The newsletter's description and the forms' words in one language.

    `%` places are the newsletter's name and the publisher's.
    `counting` stands beside the box that lets us count what a reader opens and follows.
    """

    description: str
    heading: str
    statement: str
    button: str
    counting: str


TEXTS: Mapping[str, Texts] = MappingProxyType(
    {
        "fr": Texts(
            description="La lettre qui suit les États, les réseaux et ceux qui les défendent.",
            heading="Restez au fait, en temps réel",
            statement=(
                "En donnant votre adresse, vous acceptez de recevoir par courriel la lettre "
                "«\u00a0%(newsletter)s\u00a0», publiée par %(publisher)s, et notre [politique de confidentialité] "
                "a été portée à votre connaissance. Vous pouvez vous désabonner à tout moment, par le lien présent "
                "dans chacune de nos lettres."
            ),
            button="S’abonner à la lettre",
            counting=(
                "J’accepte que vous comptiez les jours où j’ouvre vos lettres et les articles que je lis à partir "
                "d’elles, pour mieux choisir vos sujets. Ces chiffres restent chez %(publisher)s. Je peux changer "
                "d’avis à tout moment, ici même ([politique de confidentialité])."
            ),
        ),
        "en": Texts(
            description="The letter that watches states, networks, and those who defend them.",
            heading="Stay informed, in real time",
            statement=(
                "By giving your address you agree to receive the “%(newsletter)s” newsletter by e-mail, published by "
                "%(publisher)s, and our [privacy policy] has been brought to your attention. You can leave at any "
                "time, through the link in every letter we send."
            ),
            button="Subscribe to the newsletter",
            counting=(
                "You may count the days on which I open your letters and the articles that I follow from them, so that "
                "you choose your subjects better. The figures stay with %(publisher)s. I can change my mind at any "
                "time, right here ([privacy policy])."
            ),
        ),
    }
)


def install_defaults(session: Session, config: Config, now: datetime) -> Newsletter:
    """Store the first newsletter, and the texts in force of all; what changed becomes a new version, all else stays.

    What somebody has changed or written since stays as they left it.
    """
    newsletter = session.scalars(newsletter_by_slug(FIRST_SLUG)).one_or_none()
    if newsletter is None:
        newsletter = Newsletter(slug=FIRST_SLUG, timezone=config.timezone, created_at=now)
        session.add(newsletter)
    if newsletter.changed_at is None:
        for language, texts in TEXTS.items():
            _install_face(newsletter, language, texts, config)
    for each in session.scalars(select(Newsletter).where(Newsletter.changed_at.is_(None))):
        each.timezone, each.sends_welcome = config.timezone, config.sends_welcome
    install_texts(session, config, now)
    return newsletter


def install_texts(session: Session, config: Config, now: datetime) -> None:
    """Store what each newsletter's forms say in its languages, and the policy, where nobody wrote something else."""
    session.flush()
    newsletters = session.scalars(select(Newsletter).order_by(Newsletter.id)).all()
    for language in TEXTS:
        for newsletter in newsletters:
            if language in newsletter.language_codes:
                _install_wordings(session, newsletter, language, config, now)
        names = [newsletter.in_language(language).name for newsletter in newsletters]
        _install_policy(session, language, names, config, now)
    session.flush()


def _install_face(newsletter: Newsletter, language: str, texts: Texts, config: Config) -> None:
    face = next((face for face in newsletter.languages if face.language == language), None)
    if face is None:
        # The label is the list's identity for good (RFC 2919 §3); the name may change with the publication's.
        face = NewsletterLanguage(language=language, list_label=f"{language}.{FIRST_SLUG}")
        newsletter.languages.append(face)
    face.name = config.identity.publication
    face.description = texts.description


def _install_wordings(session: Session, newsletter: Newsletter, language: str, config: Config, now: datetime) -> None:
    texts = TEXTS[language]
    names = {
        "newsletter": _without_brackets(newsletter.in_language(language).name),
        "publisher": _without_brackets(config.identity.publisher),
    }
    store_wording(
        session,
        newsletter_id=newsletter.id,
        language=language,
        heading=texts.heading,
        statement=texts.statement % names,
        button=texts.button,
        now=now,
    )
    store_wording(
        session,
        newsletter_id=newsletter.id,
        purpose=WordingPurpose.MEASUREMENT,
        language=language,
        heading="",
        statement=texts.counting % names,
        button="",
        now=now,
    )


def _install_policy(session: Session, language: str, names: list[str], config: Config, now: datetime) -> None:
    body = templating.render(
        f"public/policy.{language}.html",
        language,
        identity=config.identity,
        newsletters=names,
        clocks=rules(config.retention, language),
        measurement=config.measurement,
        mail_is_ours=config.mail.server in {"127.0.0.1", "localhost", "::1"},
    )
    store_policy(session, language=language, body=body, now=now)


def _without_brackets(name: str) -> str:
    """Return `name` so that it cannot be taken for the statement's link."""
    return name.replace("[", "(").replace("]", ")")
