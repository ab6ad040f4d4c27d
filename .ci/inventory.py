"""Prints what the product is built from: each locked package, its version and licence, as CycloneDX 1.5 in JSON.

Licences are what the installed packages say of themselves; the lock also names packages for other systems, which are
listed without one where they are not installed.
"""

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements.txt"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def inventory(lock: str) -> dict[str, object]:
    """Return the bill of materials of a lock file's text."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [component(name, version) for name, version in sorted(_PINNED.findall(lock))],
    }


def component(name: str, version: str) -> dict[str, object]:
    """Return the entry of one package."""
    entry: dict[str, object] = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
    }
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return entry
    licence = licence_of(installed) if installed.version == version else []
    return {**entry, "licenses": licence} if licence else entry


def licence_of(package: Distribution) -> list[dict[str, object]]:
    """Return a package's licence as it gives it: an SPDX expression (PEP 639), else classifiers, else its own words."""
    fields = package.metadata
    if "License-Expression" in fields:
        return [{"expression": fields["License-Expression"]}]
    names = [line.rpartition(" :: ")[2] for line in fields.get_all("Classifier", []) if line.startswith("License :: ")]
    names = [name for name in names if name != "OSI Approved"] or fields.get_all("License", [])
    return [{"license": {"name": name.partition("\n")[0]}} for name in names if name]


if __name__ == "__main__":
    json.dump(inventory(LOCK.read_text(encoding="utf-8")), sys.stdout, indent=2)
    sys.stdout.write("\n")
