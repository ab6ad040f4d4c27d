"""Signed documents: checked by others with a public key alone, changed by nobody."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.signing import ProofKeys, canonical
from tests.conftest import KEY

DOCUMENT = {"form": "x", "count": 3, "text": '«\u00a0é\u00a0» 😀 \u2028 \x07\t"\\', "list": [{"b": None, "a": "1"}]}


def test_whoever_has_the_public_key_can_check() -> None:
    keys = ProofKeys((KEY,))
    signed = json.loads(json.dumps(keys.sign(DOCUMENT)))
    signature = signed.pop("signature")
    assert signed == DOCUMENT
    [public] = keys.public_keys
    assert signature["key_id"] == public.key_id
    key = load_pem_public_key(public.pem.encode())
    said = '{"count":3,"form":"x","list":[{"a":"1","b":null}],"text":"«\u00a0é\u00a0» 😀 \u2028 \\u0007\\t\\"\\\\"}'
    key.verify(base64.b64decode(signature["value"]), said.encode())
    assert canonical(DOCUMENT) == said.encode()


@pytest.mark.parametrize(
    "change",
    [{"count": 4}, {"more": 1}, {"signature": None}, {"signature": {}}, {"signature": {"algorithm": "none"}}],
)
def test_a_changed_document_shows(change: dict[str, object]) -> None:
    keys = ProofKeys((KEY,))
    assert keys.fault_of(keys.sign(DOCUMENT)) is None
    assert keys.fault_of({**keys.sign(DOCUMENT), **change})


def test_old_keys_check_and_the_newest_signs() -> None:
    old, both = ProofKeys((KEY,)), ProofKeys((KEY, KEY + "-new"))
    assert both.fault_of(old.sign(DOCUMENT)) is None
    assert both.key_id != old.key_id
    assert "not ours" in str(old.fault_of(both.sign(DOCUMENT)))


@pytest.mark.parametrize("value", ["", "AAAA", "no base64!", base64.b64encode(bytes(64)).decode(), "é" * 88])
def test_a_forged_signature_shows(value: str) -> None:
    keys = ProofKeys((KEY,))
    signed = keys.sign(DOCUMENT)
    signed["signature"] = {**dict(signed["signature"]), "value": value}
    assert keys.fault_of(signed)
