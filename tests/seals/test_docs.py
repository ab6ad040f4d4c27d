"""What docs/proof.md tells others to type works as it stands there, and finds a changed sign."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from app.product import Product
from app.subscriptions.models import Subscriber
from app.subscriptions.rights.receipts import make_receipt
from tests.conftest import NOW
from tests.subscriptions.test_ledger import join

PAGE = Path(__file__).resolve().parents[2] / "docs" / "proof.md"


def recipe(language: str) -> list[str]:
    [text] = re.findall(rf"```{language}\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [sys.executable, "-c", text] if language == "python" else ["sh", "-e", "-c", text]


@pytest.fixture
def folder(product: Product, tmp_path: Path) -> Path:
    """A receipt and the key that it was signed with, as a reader would save them."""
    with product.database.transaction() as session:
        join(session, product)
    with product.database.reading() as session:
        made = make_receipt(session, session.scalars(select(Subscriber)).one(), product=product, now=NOW)
    (tmp_path / "receipt.json").write_text(json.dumps(made.document, ensure_ascii=False, indent=2), encoding="utf-8")
    (tmp_path / "key.pem").write_text(product.proof_keys.public_keys[-1].pem)
    return tmp_path


@pytest.mark.parametrize("language", ["python", "sh"])
def test_a_receipt_is_checked_as_the_page_says(folder: Path, language: str) -> None:
    if language == "sh" and not (shutil.which("jq") and shutil.which("openssl")):
        pytest.skip("install jq and openssl: apt-get install jq openssl")
    assert subprocess.run(recipe(language), cwd=folder, capture_output=True, check=False).returncode == 0
    file = folder / "receipt.json"
    file.write_text(file.read_text(encoding="utf-8").replace("alice@", "alicia@"), encoding="utf-8")
    assert subprocess.run(recipe(language), cwd=folder, capture_output=True, check=False).returncode != 0
