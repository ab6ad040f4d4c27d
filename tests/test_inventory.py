"""The bill of materials names what the lock file pins, and the licence of what is installed."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_every_locked_package_is_listed_once_with_its_version_and_licence() -> None:
    printed = subprocess.run([sys.executable, ROOT / ".ci" / "inventory.py"], capture_output=True, check=True).stdout
    bill = json.loads(printed)
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pinned = {tuple(line.split()[0].split("==")) for line in lock.splitlines() if re.match(r"\w[^ ]*==", line)}
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert len(bill["components"]) == len(pinned)
    assert {(each["name"], each["version"]) for each in bill["components"]} == pinned
    licences = {each["name"]: each["licenses"] for each in bill["components"] if "licenses" in each}
    assert licences["flask"] == [{"expression": "BSD-3-Clause"}]
    assert licences["jinja2"] == [{"license": {"name": "BSD License"}}]
    assert len(licences) > 0.9 * len(pinned)


def test_every_locked_package_has_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        blocks = re.split(r"\n(?=\w)", (ROOT / name).read_text(encoding="utf-8"))
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
