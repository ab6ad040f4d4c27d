"""Addresses: what is taken, in which form, and what is proposed instead."""

import csv
import json
from pathlib import Path

import pytest

from app.errors import AddressInvalid
from app.mail.address import PROVIDERS, Address, mask, needs_smtputf8, parse_address, suggest

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
ADDRESSES = CORPORA / "email-addresses" / "open" / "addresses.jsonl"
TYPOS = CORPORA / "email-domains" / "open" / "typos.csv"

TAKEN = [
    ("alice@example.org", "alice@example.org", "alice@example.org"),
    ("Alice.Martin@EXAMPLE.org", "Alice.Martin@example.org", "alice.martin@example.org"),
    ("o'connor+news@x.museum", "o'connor+news@x.museum", "o'connor+news@x.museum"),
    ("a@b.co", "a@b.co", "a@b.co"),
    ("x_y-z@sub.domain.photography", "x_y-z@sub.domain.photography", "x_y-z@sub.domain.photography"),
    ("user@exämple.fr", "user@xn--exmple-cua.fr", "user@xn--exmple-cua.fr"),
    ("user@XN--EXMPLE-CUA.fr", "user@xn--exmple-cua.fr", "user@xn--exmple-cua.fr"),
    ("É.Dupont@exemple.fr", "É.Dupont@exemple.fr", "é.dupont@exemple.fr"),
    ("e\u0301@exemple.fr", "é@exemple.fr", "é@exemple.fr"),
    ("reader@trial.test", "reader@trial.test", "reader@trial.test"),
    ("reader@paper.example", "reader@paper.example", "reader@paper.example"),
    ("l" * 64 + "@example.org", "l" * 64 + "@example.org", "l" * 64 + "@example.org"),
    ("1@2.fr", "1@2.fr", "1@2.fr"),
    ("#!$%&'*+/=?^_`{|}~-@example.org", "#!$%&'*+/=?^_`{|}~-@example.org", "#!$%&'*+/=?^_`{|}~-@example.org"),
]
REFUSED = [
    "", " ", "@", "alice", "alice@", "@example.org", "alice@@example.org", "alice@example", "alice@localhost",
    "alice@[192.0.2.1]", "alice@[IPv6:::1]", "alice @example.org", "alice@exa mple.org", " alice@example.org",
    "alice@example.org\n", "alice@example.org\r\nBcc: b@example.org", "al\x00ice@example.org", "alice@example.org\x00",
    "a@example.org,b@example.org", "a@example.org;b@example.org", "a@example.org b@example.org", "<alice@example.org>",
    "Alice <alice@example.org>", "alice(comment)@example.org", "alice@example.org(comment)", '"alice"@example.org',
    ".alice@example.org", "alice.@example.org", "al..ice@example.org", "alice@.example.org", "alice@example..org",
    "alice@-example.org", "alice@example-.org", "alice@exam_ple.org", "l" * 65 + "@example.org",
    "é" * 33 + "@example.org",
    "alice@" + "d" * 64 + ".org", "a@" + "d." * 126 + "org", "alice@example.onion", "alice@printer.local",
    "alice@x.invalid",
    "alice\u2028@example.org", "alice\u0085@example.org", "alice\u202e@example.org", "al\tice@example.org",
    "alice@192.0.2.1", "al\ufffdice@example.org", "alice@ex\ufffdmple.org",
]  # fmt: skip


@pytest.mark.parametrize(("typed", "ascii_form", "key"), TAKEN)
def test_an_address_has_its_forms(typed: str, ascii_form: str, key: str) -> None:
    address = parse_address(typed)
    assert (address.ascii, address.key) == (ascii_form, key)
    assert parse_address(address.ascii) == address


@pytest.mark.parametrize("typed", REFUSED)
def test_what_is_no_address_is_refused_in_words(typed: str) -> None:
    with pytest.raises(AddressInvalid) as refusal:
        parse_address(typed)
    assert str(refusal.value).endswith(".")


def test_a_domain_is_shown_in_its_own_script() -> None:
    assert parse_address("user@xn--exmple-cua.fr").display == "user@exämple.fr"
    assert str(parse_address("User@Exämple.FR")) == "User@exämple.fr"


def test_only_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    assert needs_smtputf8(parse_address("é@exemple.fr").ascii)
    assert not needs_smtputf8(parse_address("user@exämple.fr").ascii)


@pytest.mark.parametrize(
    ("address", "masked"),
    [("alice@example.org", "a…e@example.org"), ("ab@example.org", "a…@example.org"), ("a@x.fr", "a…@x.fr")],
)
def test_a_mask_hides_the_local_part(address: str, masked: str) -> None:
    assert mask(address) == masked


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Alice@gmial.com", "Alice@gmail.com"),
        ("a@gmail.fr", "a@gmail.com"),
        ("a@hotmil.fr", "a@hotmail.fr"),
        ("a@wanado.fr", "a@wanadoo.fr"),
        ("a@example.con", "a@example.com"),
        ("a@orange.be", None),
        ("a@free.it", None),
        ("a@hotmail.ca", None),
        ("a@orange.com", None),
        ("a@example.org", None),
        ("no address", None),
        ("@gmial.com", None),
    ],
)
def test_a_likely_slip_is_met_with_a_proposal(typed: str, meant: str | None) -> None:
    assert suggest(typed) == meant


def test_providers_themselves_are_never_corrected() -> None:
    assert [suggest(f"a@{provider}") for provider in PROVIDERS] == [None] * len(PROVIDERS)


@pytest.mark.skipif(not ADDRESSES.exists(), reason=f"the corpus is not at {CORPORA}")
def test_the_corpus_of_addresses_is_judged_as_its_authors_did() -> None:
    entries = [json.loads(line) for line in ADDRESSES.read_text(encoding="utf-8").splitlines()]
    invalid = [entry["address"] for entry in entries if entry["label"] == "invalid"]
    assert sum(is_taken(address) for address in invalid) <= 0.03 * len(invalid)
    # Quoted local parts, comments and display names are legal somewhere, and nobody's address for a newsletter.
    valid = [entry["address"] for entry in entries if entry["label"] == "valid"]
    ordinary = [address for address in valid if not set(address) & set('"\\(<') and "." in address.rpartition("@")[2]]
    assert len(ordinary) > 20
    assert sum(not is_taken(address) for address in ordinary) <= 0.03 * len(ordinary)


@pytest.mark.skipif(not TYPOS.exists(), reason=f"the corpus is not at {CORPORA}")
def test_the_corpus_of_typos_is_corrected_without_a_false_alarm() -> None:
    with TYPOS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    proposed = {row["address"]: (suggest(row["address"]) or "").rpartition("@")[2] for row in rows}
    assert [row["address"] for row in rows if not row["suggest_domain"] and proposed[row["address"]]] == []
    expected = [row for row in rows if row["suggest_domain"]]
    assert sum(proposed[row["address"]] == row["suggest_domain"] for row in expected) >= 0.85 * len(expected)


def is_taken(text: str) -> bool:
    try:
        return isinstance(parse_address(text), Address)
    except AddressInvalid:
        return False
