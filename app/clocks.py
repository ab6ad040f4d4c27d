"""The clocks: how long each kind of data is kept, on which ground, and how readers are told.

The privacy policy, the register entry, the dry run and the job all read this list; what a clock does when it strikes
stands in `app.keeping.duties`, by its name. Knows no table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.settings.retention import Retention


@dataclass(frozen=True)
class Words:
    """What readers are told of a clock in one language; `%(name)s` places hold spans of time."""

    title: str
    rule: str


@dataclass(frozen=True)
class Clock:
    """How long one kind of data is kept. `settings` say so, where it is not fixed; `ground` is the law's reason."""

    name: str
    settings: tuple[str, ...]
    ground: str
    words: Mapping[str, Words]


@dataclass(frozen=True)
class Rule:
    """A clock as it is told in one language, with the values in force."""

    name: str
    title: str
    rule: str
    settings: tuple[str, ...]
    ground: str


#: What each language calls the law of data protection.
_LAW: Mapping[str, str] = MappingProxyType({"fr": "RGPD", "en": "GDPR"})
#: Singular and plural of the units of time.
_UNITS: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "fr": {"hour": ("heure", "heures"), "day": ("jour", "jours"), "month": ("mois", "mois"), "year": ("an", "ans")},
        "en": {
            "hour": ("hour", "hours"),
            "day": ("day", "days"),
            "month": ("month", "months"),
            "year": ("year", "years"),
        },
    }
)
#: The spans that rules name: their unit, and the setting they come from.
_SPANS: Mapping[str, tuple[str, Callable[[Retention], int]]] = MappingProxyType(
    {
        "confirm": ("hour", lambda retention: retention.confirm_hours),
        "pending": ("day", lambda retention: retention.pending_days),
        "left": ("day", lambda retention: retention.left_days),
        "stay": ("day", lambda retention: retention.stay_days),
        "imports": ("day", lambda retention: retention.import_days),
        "variants": ("day", lambda retention: retention.variant_days),
        "logs": ("month", lambda retention: retention.log_months),
        "inactive": ("year", lambda retention: retention.inactive_years),
        "proof": ("year", lambda retention: retention.proof_years),
    }
)


def rules(retention: Retention, language: str) -> list[Rule]:
    """Return all clocks as they are told in `language` ("fr" or "en")."""
    spans = {name: _span(read(retention), unit, language) for name, (unit, read) in _SPANS.items()}
    return [
        Rule(
            name=clock.name,
            title=clock.words[language].title,
            rule=clock.words[language].rule % spans,
            settings=clock.settings,
            ground=clock.ground.replace("GDPR", _LAW[language]),
        )
        for clock in CLOCKS
    ]


def _span(number: int, unit: str, language: str) -> str:
    singular, plural = _UNITS[language][unit]
    return f"{number}\u00a0{singular if number == 1 else plural}"


def _clock(name: str, *settings: str, ground: str, fr: tuple[str, str], en: tuple[str, str]) -> Clock:
    return Clock(name, settings, ground, MappingProxyType({"fr": Words(*fr), "en": Words(*en)}))


CLOCKS = (
    _clock(
        "unconfirmed",
        "CONFIRM_HOURS",
        "PENDING_DAYS",
        "PROOF_YEARS",
        ground="GDPR art. 5(1)(e)",
        fr=(
            "Demande jamais confirmée",
            "Le lien de confirmation est valable %(confirm)s. Sans confirmation, la demande est effacée après "
            "%(pending)s\u00a0; ne restent que leur nombre et, pendant %(proof)s, des sommes de contrôle datées qui ne "
            "disent rien de personne.",
        ),
        en=(
            "A request never confirmed",
            "The confirmation link works for %(confirm)s. Unconfirmed, the request is deleted after %(pending)s; what "
            "is left is their number and, for %(proof)s, checksums with their dates that tell nothing of anybody.",
        ),
    ),
    _clock(
        "held",
        "LOG_MONTHS",
        ground="GDPR art. 5(1)(e), art. 14(3)",
        fr=(
            "Adresse reçue sans preuve de consentement",
            "Rien ne lui est envoyé que la demande de confirmer. Si elle n’est pas posée, l’adresse est effacée après "
            "%(logs)s.",
        ),
        en=(
            "An address that came without proof of consent",
            "Nothing is sent to it but the question to confirm. Where that is not asked, the address is deleted after "
            "%(logs)s.",
        ),
    ),
    _clock(
        "inactive",
        "INACTIVE_YEARS",
        ground="GDPR art. 5(1)(e)",
        fr=(
            "Abonnement",
            "Tant que vous restez abonné. Sans aucun signe de votre part pendant %(inactive)s, nous vous demandons une "
            "fois, par une lettre, si vous souhaitez rester. Ouvrir une lettre n’est pas un signe\u00a0; y répondre, "
            "ou changer une préférence, en est un.",
        ),
        en=(
            "Your subscription",
            "For as long as you stay. After %(inactive)s without any sign from you we ask once, by a letter, whether "
            "you want to stay. To open a letter is no sign; to reply to one, or to change a preference, is.",
        ),
    ),
    _clock(
        "stay",
        "STAY_DAYS",
        ground="GDPR art. 5(1)(e)",
        fr=(
            "Sans réponse à cette question",
            "Votre adresse est effacée %(stay)s après la lettre, sauf si vous lisez une autre de nos lettres\u00a0; la "
            "preuve de votre consentement passe alors à l’archive.",
        ),
        en=(
            "No answer to that question",
            "Your address is deleted %(stay)s after the letter, unless you read another of our letters; the proof of "
            "your consent then moves to the archive.",
        ),
    ),
    _clock(
        "left",
        "LEFT_DAYS",
        ground="GDPR art. 5(1)(e)",
        fr=(
            "Adresse de qui est parti",
            "Effacée %(left)s après le départ. La preuve du consentement passe alors dans une archive à l’accès "
            "restreint, où une empreinte à clé remplace l’adresse et empêche qu’une liste plus ancienne ne vous "
            "réabonne.",
        ),
        en=(
            "The address of somebody who left",
            "Deleted %(left)s after the departure. The proof of consent then moves to an archive of restricted access, "
            "where a keyed fingerprint stands for the address and keeps any older list from subscribing you again.",
        ),
    ),
    _clock(
        "suppressed",
        "LEFT_DAYS",
        ground="GDPR art. 5(1)(e), art. 21(3)",
        fr=(
            "Opposition et adresses hors service",
            "L’adresse est effacée après %(left)s. Il en reste une empreinte à clé, qui ne permet pas de la relire, "
            "gardée aussi longtemps que la lettre paraît pour ne plus vous écrire, sauf si quelqu’un le demande sur "
            "notre formulaire, et alors seulement pour confirmer.",
        ),
        en=(
            "Objections and dead addresses",
            "The address is deleted after %(left)s. A keyed fingerprint of it stays, from which it cannot be read "
            "back, for as long as the newsletter appears, so that we do not write to you again, unless somebody asks "
            "for it on our form, and then only to confirm.",
        ),
    ),
    _clock(
        "proof",
        "PROOF_YEARS",
        ground="GDPR art. 7(1); Code civil art. 2224",
        fr=("Preuve du consentement", "%(proof)s après votre départ, puis effacement."),
        en=("Proof of consent", "%(proof)s after you leave, then deleted."),
    ),
    _clock(
        "erased",
        "PROOF_YEARS",
        ground="GDPR art. 17(3)(e)",
        fr=(
            "Après un effacement demandé",
            "L’adresse disparaît aussitôt. L’historique du consentement, que plus rien n’y rattache, est effacé "
            "%(proof)s plus tard.",
        ),
        en=(
            "After an erasure you asked for",
            "The address goes at once. The history of consent, which nothing ties to it any more, is deleted "
            "%(proof)s later.",
        ),
    ),
    _clock(
        "stubs",
        "PROOF_YEARS",
        ground="GDPR art. 5(1)(e), art. 5(2)",
        fr=(
            "Empreintes des preuves effacées",
            "Des sommes de contrôle datées, qui ne disent rien de personne, pendant %(proof)s encore.",
        ),
        en=(
            "Checksums of deleted proofs",
            "Checksums with their dates, which tell nothing of anybody, for another %(proof)s.",
        ),
    ),
    _clock(
        "replies",
        "LOG_MONTHS",
        ground="GDPR art. 5(1)(e), art. 32",
        fr=(
            "Journaux techniques",
            "Ce que les serveurs ont répondu à nos lettres\u00a0: %(logs)s.",
        ),
        en=("Technical logs", "What mail servers replied to our letters: %(logs)s."),
    ),
    _clock(
        "letters",
        "LOG_MONTHS",
        ground="GDPR art. 5(1)(e), art. 32",
        fr=(
            "Lettres de service",
            "La trace d’une lettre de confirmation, de bienvenue ou de rappel\u00a0: %(logs)s.",
        ),
        en=("Service letters", "The trace of a confirmation, a welcome or a reminder: %(logs)s."),
    ),
    _clock(
        "variants",
        "VARIANT_DAYS",
        ground="GDPR art. 5(1)(e)",
        fr=(
            "Lettres composées selon vos choix",
            "Le texte d’une lettre composée selon ce que vous avez choisi de lire, ou quand\u00a0: %(variants)s après "
            "la fin de l’envoi. Reste la liste de ses articles.",
        ),
        en=(
            "Letters made for your choices",
            "The text of a letter made for what you chose to read, or when: %(variants)s after it went. The list of "
            "its articles stays.",
        ),
    ),
    _clock(
        "readings",
        "LOG_MONTHS",
        ground="GDPR art. 5(1)(e)",
        fr=(
            "Ce que vous nous laissez compter",
            "Là où vous l’avez permis, le compte de vos lectures\u00a0: %(logs)s, ou jusqu’à ce que vous le retiriez.",
        ),
        en=(
            "What you let us count",
            "Where you allowed it, the count of what you read: %(logs)s, or until you take that back.",
        ),
    ),
    _clock(
        "questions",
        "LOG_MONTHS",
        ground="GDPR art. 5(1)(e)",
        fr=(
            "Questions que nous vous avons posées",
            "%(logs)s après votre réponse\u00a0; la preuve du consentement garde la réponse elle-même.",
        ),
        en=(
            "Questions that we asked you",
            "%(logs)s after your answer; the proof of consent keeps the answer itself.",
        ),
    ),
    _clock(
        "addresses",
        "CONFIRM_HOURS",
        ground="GDPR art. 5(1)(e), art. 16",
        fr=(
            "Ancienne adresse après un changement",
            "%(confirm)s, le temps que vous puissiez annuler le changement.",
        ),
        en=("A former address after a change", "%(confirm)s, for as long as you can take the change back."),
    ),
    _clock(
        "requests",
        "PROOF_YEARS",
        ground="GDPR art. 5(2), art. 12(3)",
        fr=(
            "Demandes que vous nous écrivez",
            "La date et l’objet d’une demande relative à vos droits : %(proof)s après la réponse.",
        ),
        en=(
            "Requests that you write to us",
            "The date and subject of a request about your rights: %(proof)s after the answer.",
        ),
    ),
    _clock(
        "returns",
        "LOG_MONTHS",
        ground="GDPR art. 5(1)(e), art. 32",
        fr=(
            "Courrier revenu",
            "Ce qui nous revient d’une lettre, comme un avis de non-remise ou une plainte : %(logs)s.",
        ),
        en=("Returned mail", "What comes back of a letter, like a bounce or a complaint: %(logs)s."),
    ),
    _clock(
        "mail",
        ground="GDPR art. 5(1)(e)",
        fr=(
            "Réponses que vous nous écrivez",
            "Transmises à la rédaction, puis effacées ici dès qu’elles le sont ; deux jours après, leur trace aussi.",
        ),
        en=(
            "Replies that you write to us",
            "Passed on to the newsroom and deleted here once they are; two days later, their trace as well.",
        ),
    ),
    _clock(
        "form",
        ground="GDPR art. 5(1)(e), art. 32",
        fr=(
            "Protection du formulaire",
            "Pour que personne ne puisse s’en servir contre d’autres, nous comptons les demandes par connexion et par "
            "boîte de réception, sous empreinte à clé : un jour pour la connexion, trente jours au plus pour la "
            "boîte, effacés dès que vous confirmez.",
        ),
        en=(
            "Protection of the form",
            "So that nobody can turn it on others, we count requests by connection and by mailbox, under keyed "
            "fingerprints: for a day by connection, for thirty days at most by mailbox, deleted once you confirm.",
        ),
    ),
    _clock(
        "imports",
        "IMPORT_DAYS",
        ground="GDPR art. 5(1)(e), art. 5(2)",
        fr=(
            "Listes de lecteurs reprises",
            "Le fichier est effacé dès qu’il est importé\u00a0; s’il ne l’est pas, et pour le compte rendu, où les "
            "adresses sont masquées\u00a0: %(imports)s.",
        ),
        en=(
            "Lists of readers that were brought along",
            "The file is deleted once it is imported; one that is not, and the report, where addresses are masked: "
            "%(imports)s.",
        ),
    ),
    _clock(
        "sign-ins",
        ground="GDPR art. 5(1)(e), art. 32",
        fr=(
            "Connexions de la rédaction",
            "Sessions et liens de connexion des membres de la rédaction\u00a0: jusqu’à leur fin\u00a0; échecs de "
            "connexion\u00a0: un jour, sous empreinte à clé.",
        ),
        en=(
            "Sign-ins of the newsroom",
            "Sessions and sign-in links of the newsroom’s people: until they end; failed sign-ins: a day, under a "
            "keyed fingerprint.",
        ),
    ),
    _clock(
        "audit",
        "LOG_MONTHS",
        ground="GDPR art. 5(2), art. 32",
        fr=(
            "Journal des actes de la rédaction",
            "Qui, à la rédaction, a consulté, modifié ou effacé quoi : %(logs)s.",
        ),
        en=("Log of the newsroom’s acts", "Who of the newsroom looked at, changed or deleted what: %(logs)s."),
    ),
    _clock(
        "departures",
        "PROOF_YEARS",
        ground="GDPR art. 5(1)(f), art. 32(1)(c)",
        fr=(
            "Journal des départs",
            "Une ligne par départ, sous empreinte à clé, gardée hors de la base pendant %(proof)s pour qu’aucune "
            "restauration d’une sauvegarde ne vous réabonne.",
        ),
        en=(
            "Journal of departures",
            "A line for each departure, under a keyed fingerprint, kept outside the database for %(proof)s, so that "
            "no restored backup subscribes you again.",
        ),
    ),
)
