"""A real Postfix for a module's tests, with a sink behind it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.house import Postbox
from tests.relay.authority import Authority
from tests.relay.postfix import Postfix, missing_programs


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that Postfix's own user may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="vigie-postfix-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def authority(open_folder: Path) -> Authority:
    """Whom the client trusts."""
    return Authority(open_folder, "authority")


@pytest.fixture(scope="module")
def sink() -> Iterator[Postbox]:
    """Where Postfix relays everything to."""
    with Postbox() as sink:
        yield sink


@pytest.fixture(scope="module")
def postfix(open_folder: Path, authority: Authority, sink: Postbox) -> Iterator[Postfix]:
    """A running Postfix."""
    if missing := missing_programs():
        pytest.skip(f"{', '.join(missing)} not found: apt-get install postfix sasl2-bin libsasl2-modules")
    if os.geteuid() != 0:
        pytest.skip("only root can start Postfix")
    with Postfix(open_folder, authority, sink.port) as running:
        yield running
