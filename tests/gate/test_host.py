"""The name in EHLO, looked up there and back in a zone file; DNS that is away keeps nobody from the other checks."""

from pathlib import Path

import dns.resolver
import pytest
from flask import Flask

from app.gate.findings import What
from app.gate.host import check_host
from app.gate.records import FileRecords, LiveRecords

HOST = "mx.newsletter.example"
THERE = (f"{HOST}. IN A 203.0.113.7", f"{HOST}. IN AAAA 2001:db8::7")
BACK = (
    f"7.113.0.203.in-addr.arpa. IN PTR {HOST.upper()}.",
    f"7.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa. IN PTR {HOST}.",
)
ELSEWHERE = "7.113.0.203.in-addr.arpa. IN PTR host7.lender.example."


def found(tmp_path: Path, *lines: str, name: str = HOST) -> list[tuple[What, str]]:
    path = tmp_path / "zone"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [(finding.what, finding.where) for finding in check_host(name, FileRecords(path))]


def test_a_name_that_leads_there_and_back_is_in_order(tmp_path: Path) -> None:
    assert found(tmp_path, *THERE, *BACK) == []
    assert found(tmp_path, *THERE, *BACK, ELSEWHERE, name=HOST.title()) == [], "one of its names is enough"


def test_what_does_not_lead_back_is_told_for_each_address(tmp_path: Path) -> None:
    assert found(tmp_path, *BACK) == [(What.EHLO_NOWHERE, HOST)]
    assert found(tmp_path, *THERE, BACK[0]) == [(What.PTR_MISSING, "2001:db8::7")]
    assert found(tmp_path, *THERE, ELSEWHERE, BACK[1]) == [(What.PTR_OTHER, "203.0.113.7")]
    assert [what for what, _ in found(tmp_path, *THERE)] == [What.DNS_SILENT], "its zone is not in the file"


@pytest.mark.parametrize(
    "name", ["mx", "localhost", "[203.0.113.7]", "203.0.113.7", "mx.lan", "a..example", "-.example"]
)
def test_what_is_no_full_name_is_not_even_looked_up(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, *THERE, *BACK, name=name) == [(What.EHLO_PARTIAL, name)]


def test_dns_that_is_away_is_told_and_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = dns.resolver.Resolver(configure=False)
    nobody.nameservers = ["127.0.0.1"]
    nobody.port = 9
    monkeypatch.setattr(dns.resolver, "default_resolver", nobody)
    [finding] = check_host(HOST, LiveRecords(0.2))
    assert (finding.what, finding.level) == (What.DNS_SILENT, What.DNS_SILENT.level)


def test_the_doctor_tells_it(app: Flask, tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    zone.write_text("newsletter.example. IN A 203.0.113.7\n" + ELSEWHERE + "\n", encoding="utf-8")
    told = app.test_cli_runner().invoke(args=["doctor", "--records", str(zone)]).output
    assert "The address of newsletter.example has other names (PTR)" in told
