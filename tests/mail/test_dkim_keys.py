"""DKIM keys in files: for their owner only, never overwritten, the newest or the named ones in use."""

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.errors import InputRefused
from app.mail.dkim import Algorithm, SigningKey, create_keys, key_path, load_keys, split_record, stored_keys

RSA = generate_private_key(65537, 2048)
ED25519 = Ed25519PrivateKey.generate()


def test_keys_are_kept_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "dkim"
    created = create_keys(folder, {Algorithm.RSA: "2026-11", Algorithm.ED25519: "2026-11-ed"})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for key in created:
        path = key_path(folder, key)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    loaded = load_keys(folder)
    assert [(key.selector, key.record) for key in loaded] == [(key.selector, key.record) for key in created]
    assert load_keys(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_selector_keeps_its_key(tmp_path: Path, algorithm: Algorithm) -> None:
    [before] = create_keys(tmp_path, {Algorithm.ED25519: "2026-11"})
    with pytest.raises(InputRefused, match="2026-11 already"):
        create_keys(tmp_path, {algorithm: "2026-11"})
    assert [key.record for key in stored_keys(tmp_path)] == [before.record]


@pytest.mark.parametrize("selector", ["", "A", "a_b", "-a", "a..b", "../a", "a;b", "é", "x" * 64, "a\n"])
def test_an_odd_selector_is_refused(tmp_path: Path, selector: str) -> None:
    with pytest.raises(InputRefused):
        create_keys(tmp_path, {Algorithm.ED25519: selector})
    assert list(tmp_path.iterdir()) == []


def test_the_newest_keys_sign_unless_others_are_named(tmp_path: Path) -> None:
    for selector in ("2026-10", "2026-9", "2025-12"):
        create_keys(tmp_path, {Algorithm.ED25519: f"{selector}-ed"})
    for selector in ("2026-2", "2025-11"):
        write_key(tmp_path / f"{selector}.rsa.pem", RSA)
    assert selectors_of(load_keys(tmp_path)) == ["2026-2", "2026-10-ed"]
    assert selectors_of(load_keys(tmp_path, ["2026-9-ed", "2025-11"])) == ["2025-11", "2026-9-ed"]
    with pytest.raises(InputRefused, match=r"selector 2027$"):
        load_keys(tmp_path, ["2025-11", "2027"])
    assert selectors_of(stored_keys(tmp_path)) == ["2025-11", "2026-2", "2025-12-ed", "2026-9-ed", "2026-10-ed"]


def test_files_that_are_no_good_key_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.rsa.pem").write_text("not a key")
    write_key(tmp_path / "b.rsa.pem", generate_private_key(65537, 1024))
    write_key(tmp_path / "c.rsa.pem", ED25519)
    write_key(tmp_path / "d.rsa.pem", ec.generate_private_key(ec.SECP256R1()))
    for letter in "abcd":
        with pytest.raises(InputRefused, match=f"/{letter}.rsa.pem"):
            load_keys(tmp_path, [letter])


def test_a_record_is_cut_into_strings_that_dns_takes() -> None:
    long, short = SigningKey("a", RSA).record, SigningKey("b", ED25519).record
    strings = split_record(long)
    assert [len(string) <= 255 for string in strings] == [True, True]
    assert "".join(strings) == long
    assert split_record(short) == [short]


def write_key(path: Path, key: RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def selectors_of(keys: Sequence[SigningKey]) -> list[str]:
    return [key.selector for key in keys]
