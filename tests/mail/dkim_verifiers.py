"""Two verifiers of DKIM that are not ours, with a mapping of names to TXT records in place of DNS."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import dkim as dkimpy
import pytest


def verify_with_dkimpy(raw: bytes, records: Mapping[str, str], folder: Path) -> dict[str, bool]:
    """What each signature of a letter came to, by selector."""
    verdicts = {}
    for index, selector in enumerate(re.findall(rb"(?m)^ s=(.*);\r$", raw)):
        message = dkimpy.DKIM(raw)
        try:
            is_valid = message.verify(index, dnsfunc=lambda name, timeout: records[name.decode().rstrip(".")].encode())
        except dkimpy.DKIMException:
            is_valid = False
        verdicts[selector.decode()] = is_valid
    return verdicts


def verify_with_opendkim(raw: bytes, records: Mapping[str, str], folder: Path) -> dict[str, bool]:
    """Run the daemon's mode for one file."""
    program = shutil.which("opendkim", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if program is None:
        pytest.skip("install the distribution's opendkim: apt-get install opendkim")
    (folder / "keys").write_text("".join(f"{name} {record}\n" for name, record in records.items()))
    (folder / "conf").write_text(f"Mode v\nSyslog no\nTestPublicKeys {folder / 'keys'}\n")
    (folder / "letter").write_bytes(raw)
    command = [program, "-x", str(folder / "conf"), "-vv", "-t", str(folder / "letter")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    verdicts = re.findall(r"dkim=(\w+)[^;]* header\.s=(\S+)", done.stdout)
    return {selector: verdict == "pass" for verdict, selector in verdicts}
