"""DKIM against what others published: canonical forms, signatures, a record; and against dkimpy's canonical forms."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from app.mail.dkim import (
    SigningKey,
    canonical_body,
    canonical_fields,
    digest_to_sign,
    fields_covered,
    names_to_sign,
)


def test_the_examples_of_the_standard() -> None:
    """RFC 6376 §3.4.5."""
    fields = canonical_fields(b"A: X\r\nB : Y\t\r\n\tZ  \r\n")
    assert [line for _, line in fields] == [b"a:X\r\n", b"b:Y Z\r\n"]
    assert canonical_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"=", b"\r", b"\n", b" \r\n"])).map(b"".join))
def test_bodies_have_the_form_that_dkimpy_gives_them(body: bytes) -> None:
    body += b"\r\n"
    assert canonical_body(body) == Relaxed.canonicalize_body(body)


#: RFC 8463 §A.1 to §A.3: keys, message and signatures.
RFC_ED25519_SEED = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
RFC_RSA_KEY = b"""
-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
"""
RFC_HEADERS = (
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
)
RFC_BODY = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
RFC_NAMES = (b"from", b"to", b"subject", b"date", b"message-id", b"from", b"subject", b"date")
RFC_BODY_HASH = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
RFC_ED25519_FIELD = (
    b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    b" subject : date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b="
)
RFC_RSA_FIELD = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    b" date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b="
)
RFC_ED25519 = SigningKey("brisbane", Ed25519PrivateKey.from_private_bytes(base64.b64decode(RFC_ED25519_SEED)))
RFC_RSA = SigningKey("test", load_pem_private_key(RFC_RSA_KEY, None))


@pytest.mark.parametrize(
    ("key", "field", "signature"),
    [
        (
            RFC_ED25519,
            RFC_ED25519_FIELD,
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
        ),
        (
            RFC_RSA,
            RFC_RSA_FIELD,
            "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGs"
            "geefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=",
        ),
    ],
)
def test_the_signatures_of_the_standard_come_out(key: SigningKey, field: bytes, signature: str) -> None:
    assert base64.b64encode(hashlib.sha256(canonical_body(RFC_BODY)).digest()).decode() == RFC_BODY_HASH
    content = fields_covered(canonical_fields(RFC_HEADERS), RFC_NAMES)
    assert base64.b64encode(key.sign(digest_to_sign(content, field))).decode() == signature


def test_the_record_of_the_standard_comes_out() -> None:
    assert RFC_ED25519.record == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert RFC_ED25519.record_name("football.example.com") == "brisbane._domainkey.football.example.com"


def test_equal_fields_are_covered_from_the_lowest() -> None:
    fields = canonical_fields(b"Cc: one\r\nFrom: x\r\nCc: two\r\n")
    assert fields_covered(fields, (b"cc", b"cc", b"cc", b"to", b"from")) == b"cc:two\r\ncc:one\r\nfrom:x\r\n"
    assert names_to_sign((b"cc", b"from", b"cc")).count(b"cc") == 3
