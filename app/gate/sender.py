"""Whether receivers can tell that letters are ours: SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 9989) in DNS."""

import re
from collections.abc import Iterator

from app.errors import RecordsUnavailable
from app.gate.envelope import is_aligned
from app.gate.findings import Finding, What
from app.gate.records import Records
from app.mail.dkim import SigningKey, load_keys
from config import Config

#: Terms of an SPF record that ask DNS; receivers stop at the eleventh (RFC 7208 §4.6.4).
SPF_LOOKUPS_MAX = 10
_ASKING = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
#: Counting stops here, so that records that name each other come to an end.
_COUNTED_MAX = 40
#: Names that the walk up from a domain asks at most (RFC 9989 §4.10).
_WALK_MAX = 8


def check_sender(config: Config, records: Records) -> tuple[Finding, ...]:
    """Return what is wrong with the records of the sender's domains; asks DNS, or what stands for it.

    They are those of every newsletter: a sender address of its own is used in this domain only.
    """
    mail = config.mail
    bounces = mail.bounce_domain or mail.sender_domain
    keys = load_keys(config.dkim_dir, mail.dkim_selectors)
    found: list[Finding] = []
    try:
        found += _check_spf(records, bounces)
        for key in keys:
            found += _check_key(records, key, mail.sender_domain)
        found += _check_dmarc(records, mail.sender_domain)
        if not records.takes_mail(bounces):
            found.append(Finding(What.BOUNCES_NOWHERE, bounces))
    except RecordsUnavailable as error:
        found.append(Finding(What.DNS_SILENT, str(error)))
    if not keys and not is_aligned(bounces, mail.sender_domain):
        found.append(Finding(What.DMARC_UNALIGNED, bounces))
    return tuple(found)


def count_lookups(records: Records, domain: str, *, counted: int = 0) -> int:
    """Return how many questions the SPF record of `domain` costs a receiver, those it includes with it."""
    record = next(iter(spf_records(records, domain)), "")
    terms = [term.lstrip("+-~?").lower() for term in record.split()[1:]]
    has_all = "all" in terms
    for term in terms:
        name, _, value = re.sub("[:=]", " ", term, count=1).partition(" ")
        name = name.partition("/")[0]
        if name not in _ASKING or (name == "redirect" and has_all) or counted > _COUNTED_MAX:
            continue
        counted += 1
        if name in {"include", "redirect"} and value:
            counted = count_lookups(records, value, counted=counted)
    return counted


def spf_records(records: Records, domain: str) -> list[str]:
    """Return the SPF records of a domain; there should be one."""
    return [text for text in records.texts(domain) if re.match(r"v=spf1( |$)", text, re.I)]


def _check_spf(records: Records, domain: str) -> Iterator[Finding]:
    found = spf_records(records, domain)
    if not found:
        yield Finding(What.SPF_MISSING, domain)
        return
    if len(found) > 1:
        yield Finding(What.SPF_TWICE, domain)
        return
    lookups = count_lookups(records, domain)
    if lookups > SPF_LOOKUPS_MAX:
        yield Finding(What.SPF_LOOKUPS, domain, measured=str(lookups))
    if {"+all", "all"} & set(found[0].lower().split()):
        yield Finding(What.SPF_OPEN, domain)


def _check_key(records: Records, key: SigningKey, domain: str) -> Iterator[Finding]:
    name = key.record_name(domain)
    published = [_tags(text).get("p", "") for text in records.texts(name)]
    if not any(published):
        yield Finding(What.DKIM_MISSING, name)
    elif _tags(key.record)["p"] not in published:
        yield Finding(What.DKIM_OTHER, name)


def _check_dmarc(records: Records, domain: str) -> Iterator[Finding]:
    labels = domain.split(".")
    for start in range(max(0, len(labels) - _WALK_MAX), max(1, len(labels) - 1)):
        name = ".".join(["_dmarc", *labels[start:]])
        found = [text for text in records.texts(name) if re.match(r"v=DMARC1\s*(;|$)", text)]
        if len(found) > 1:
            yield Finding(What.DMARC_TWICE, name)
            return
        if found:
            if _tags(found[0]).get("p", "none").lower() == "none":
                yield Finding(What.DMARC_NONE, name)
            return
    yield Finding(What.DMARC_MISSING, f"_dmarc.{domain}")


def _tags(text: str) -> dict[str, str]:
    """Return the tags of a record (RFC 6376 §3.2); blanks in a value do not count."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs}
