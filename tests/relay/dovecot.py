"""A real Dovecot of the tests' own: IMAP over TLS on a private port, mail and configuration in one folder."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.end_to_end.house import free_port, wait_until
from tests.relay.authority import Authority

USER, PASSWORD = "bounces", "a passphrase of the tests"

CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{chain}
ssl_key = <{chain}
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
mail_location = maildir:{folder}/mail
disable_plaintext_auth = yes
auth_mechanisms = {mechanisms}
passdb {{
  driver = static
  args = {passdb}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
"""


def is_installed() -> bool:
    """Whether there is a Dovecot that serves IMAP."""
    return shutil.which("dovecot", path="/usr/sbin:/usr/bin") is not None and Path("/usr/lib/dovecot/imap").exists()


class Dovecot:
    """Runs within its context, in `folder`, which its own users must be able to enter."""

    def __init__(self, folder: Path, authority: Authority, *, mechanisms: str = "plain") -> None:
        self._folder = folder
        self._file = folder / "dovecot.conf"
        self.port = free_port()
        for name in ("run", "state", "mail/cur", "mail/new", "mail/tmp"):
            (folder / name).mkdir(parents=True)
        values: Mapping[str, object] = {
            "folder": folder, "chain": authority.certify("127.0.0.1", "localhost"), "port": self.port,
            "mechanisms": mechanisms, "passdb": f"password={{PLAIN}}{PASSWORD}".replace(" ", "_"),
        }  # fmt: skip
        self._file.write_text(CONFIG.format(**values))
        self._give_mail_away()

    def __enter__(self) -> "Dovecot":
        self._running = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", self._file], stderr=subprocess.DEVNULL)
        wait_until(lambda: "starting up" in self.log(), "Dovecot to start")
        return self

    def __exit__(self, *_: object) -> None:
        self._running.terminate()
        self._running.wait(timeout=30)

    def log(self) -> str:
        """What it has logged so far."""
        path = self._folder / "log"
        return path.read_text() if path.exists() else ""

    def deliver(self, *mails: bytes) -> None:
        """Put mails into the inbox."""
        for number, data in enumerate(mails):
            unread = self._folder / "mail" / "new" / f"{1_700_000_000 + number}.M{len(self.names('')) + number}.test"
            unread.write_bytes(data)
        self._give_mail_away()

    def names(self, folder: str) -> list[str]:
        """The mails of a folder, "" being the inbox, as the file system has them."""
        return sorted(
            path.name for part in ("cur", "new") for path in (self._folder / "mail" / folder / part).glob("*")
        )

    def _give_mail_away(self) -> None:
        for path in [self._folder / "mail", *(self._folder / "mail").rglob("*")]:
            shutil.chown(path, "mail", "mail")
