"""What DNS has to say of the sender, told by a file."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import InputRefused
from app.gate.findings import Finding, What
from app.gate.records import FileRecords
from app.gate.sender import check_sender, count_lookups
from app.mail.dkim import Algorithm, SigningKey, create_keys, split_record
from app.settings.mail import MailSettings
from config import Config
from tests.conftest import make_config

DOMAIN = "newsletter.example"
SPF = 'bounces.newsletter.example TXT "v=spf1 ip4:203.0.113.0/24 -all"'
MX = "bounces.newsletter.example. 3600 IN MX 10 mx.newsletter.example."
DMARC = '_dmarc.newsletter.example. IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@newsletter.example"'


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = make_config(f"sqlite:///{tmp_path / 'vigie.db'}", tmp_path)
    mail = MailSettings(sender=f"lettre@{DOMAIN}", bounce_domain=f"bounces.{DOMAIN}")
    return replace(made, mail=mail)


@pytest.fixture
def key(config: Config) -> SigningKey:
    return create_keys(config.dkim_dir, {Algorithm.RSA: "2026-11"})[0]


def record_of(key: SigningKey) -> str:
    strings = " ".join(f'"{string}"' for string in split_record(key.record))
    return f"{key.record_name(DOMAIN)}. IN TXT ( {strings} )"


def records(tmp_path: Path, *lines: str) -> FileRecords:
    path = tmp_path / "zone.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return FileRecords(path)


def found(config: Config, tmp_path: Path, *lines: str) -> set[What]:
    return {finding.what for finding in check_sender(config, records(tmp_path, *lines))}


def test_a_sender_in_order_has_no_findings(config: Config, key: SigningKey, tmp_path: Path) -> None:
    assert check_sender(config, records(tmp_path, SPF, MX, DMARC, record_of(key))) == ()


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        (What.SPF_MISSING, (MX, DMARC)),
        (What.SPF_MISSING, (MX, DMARC, 'bounces.newsletter.example TXT "v=spf10 -all"')),
        (What.SPF_TWICE, (SPF, 'bounces.newsletter.example TXT "v=spf1 -all"', MX, DMARC)),
        (What.SPF_OPEN, ('bounces.newsletter.example TXT "v=spf1 +all"', MX, DMARC)),
        (What.DMARC_MISSING, (SPF, MX)),
        (What.DMARC_TWICE, (SPF, MX, DMARC, '_dmarc.newsletter.example TXT "v=DMARC1; p=none"')),
        (What.DMARC_NONE, (SPF, MX, '_dmarc.newsletter.example TXT "v=DMARC1; p=none"')),
        (What.BOUNCES_NOWHERE, (SPF, DMARC)),
    ],
)
def test_each_fault_of_a_zone_is_found(
    config: Config, key: SigningKey, tmp_path: Path, wanted: What, lines: tuple[str, ...]
) -> None:
    assert found(config, tmp_path, *lines, record_of(key)) == {wanted}


def test_the_key_in_dns_is_the_one_that_signs(config: Config, key: SigningKey, tmp_path: Path) -> None:
    zone = (SPF, MX, DMARC)
    assert found(config, tmp_path, *zone) == {What.DKIM_MISSING}
    revoked = f'{key.record_name(DOMAIN)} TXT "v=DKIM1; p="'
    assert found(config, tmp_path, *zone, revoked) == {What.DKIM_MISSING}
    other = create_keys(tmp_path / "other", {Algorithm.RSA: "2026-11"})[0]
    assert found(config, tmp_path, *zone, record_of(other)) == {What.DKIM_OTHER}


def test_the_policy_of_the_domain_above_counts(config: Config, key: SigningKey, tmp_path: Path) -> None:
    below = replace(config, mail=MailSettings(sender=f"a@lettres.{DOMAIN}", bounce_domain=f"bounces.{DOMAIN}"))
    name = key.record_name(f"lettres.{DOMAIN}")
    strings = " ".join(f'"{string}"' for string in split_record(key.record))
    assert found(below, tmp_path, SPF, MX, DMARC, f"{name} TXT {strings}") == set()


def test_without_a_key_the_bounce_domain_has_to_be_the_sender_s(config: Config, tmp_path: Path) -> None:
    elsewhere = replace(config, mail=MailSettings(sender=f"lettre@{DOMAIN}", bounce_domain="relay.example"))
    zone = ('relay.example TXT "v=spf1 -all"', "relay.example MX 10 mx.relay.example.", DMARC)
    assert found(elsewhere, tmp_path, *zone) == {What.DMARC_UNALIGNED}
    assert found(config, tmp_path, SPF, MX, DMARC) == set()


def test_look_ups_are_counted_through_includes(config: Config, key: SigningKey, tmp_path: Path) -> None:
    included = [f'_{number}.relay.example TXT "v=spf1 a:x.example mx ip4:203.0.113.{number} ?all"' for number in "1234"]
    spf = 'bounces.newsletter.example TXT "v=spf1 include:_1.relay.example include:_2.relay.example {} -all"'
    known = records(tmp_path, *included, spf.format("include:_3.relay.example"))
    assert count_lookups(known, f"bounces.{DOMAIN}") == 9
    zone = [*included, MX, DMARC, record_of(key)]
    assert found(config, tmp_path, *zone, spf.format("include:_3.relay.example exists:%{i}.x.example")) == set()
    many = check_sender(config, records(tmp_path, *zone, spf.format("include:_3.relay.example a mx")))
    assert many == (Finding(What.SPF_LOOKUPS, f"bounces.{DOMAIN}", "11"),)


def test_records_that_name_each_other_come_to_an_end(tmp_path: Path) -> None:
    known = records(tmp_path, 'a.example TXT "v=spf1 include:b.example"', 'b.example TXT "v=spf1 redirect=a.example"')
    assert count_lookups(known, "a.example") > 10


def test_a_redirect_beside_all_is_not_followed(tmp_path: Path) -> None:
    known = records(tmp_path, 'a.example TXT "v=spf1 mx redirect=b.example -all"', 'b.example TXT "v=spf1 a mx"')
    assert count_lookups(known, "a.example") == 1


def test_what_is_no_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        records(tmp_path, "this is no zone file at all (")
