"""A real Postfix of the tests' own: private ports on loopback, its whole configuration and queue in one folder.

It asks for TLS and a password, as a provider's submission port does, and relays whatever it takes to a sink.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.end_to_end.house import free_port, wait_until
from tests.relay.authority import Authority

USERNAME, PASSWORD = "vigie@relay.example", "a passphrase of the tests"
SIZE_LIMIT = 4_000
#: Addresses that it has something to say of.
UNKNOWN, GREYLISTED, HELD = "unknown@reader.example", "grey@reader.example", "held@reader.example"
ACCESS = f"""\
{UNKNOWN} 550 5.1.1 User unknown in virtual mailbox table
{GREYLISTED} 450 4.2.0 Greylisted, please come back later
{HELD} HOLD
"""

#: Its doors, each a port of its own, and what is different there.
DOORS = {
    "submission": {},
    "small": {"message_size_limit": str(SIZE_LIMIT)},
    "misnamed": {"smtpd_tls_chain_files": "$misnamed_chain"},
    "without-tls": {"smtpd_tls_security_level": "none", "smtpd_tls_auth_only": "no"},
    "without-smtputf8": {"smtputf8_enable": "no"},
    "inward": {
        "smtpd_tls_security_level": "none",
        "smtpd_sasl_auth_enable": "no",
        "smtpd_recipient_restrictions": "permit_mynetworks,reject",
    },
}

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = relay.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
relayhost = [127.0.0.1]:{sink_port}
transport_maps = texthash:{folder}/transport
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtp_tls_security_level = none
smtp_destination_concurrency_limit = 8
smtputf8_enable = yes
misnamed_chain = {misnamed}
smtpd_tls_chain_files = {chain}
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_local_domain = relay.example
smtpd_relay_restrictions =
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/access, permit_sasl_authenticated, reject
"""
SERVICES = """\
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
pickup unix n - n 60 1 pickup
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
showq unix n - n - - showq
flush unix n - n 1000? 0 flush
"""
SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasldb2
mech_list: PLAIN LOGIN
"""
PROGRAMS = ("postfix", "postcat", "saslpasswd2")


def missing_programs() -> list[str]:
    """What is not installed of what this needs."""
    return [name for name in PROGRAMS if _found(name) is None]


class Postfix:
    """Runs within its context, in `folder`, which its own user must be able to enter.

    `transports`: the ports of servers to which mail for single domains goes instead of the sink.
    """

    def __init__(
        self, folder: Path, authority: Authority, sink_port: int, *, transports: Mapping[str, int] | None = None
    ) -> None:
        self._folder = folder
        self._config = folder / "etc"
        self.ports = {door: free_port() for door in DOORS}
        for name in ("etc/sasl", "queue", "data"):
            (folder / name).mkdir(parents=True)
        shutil.chown(folder / "data", "postfix")
        chains = {"chain": authority.certify("127.0.0.1", "localhost"), "misnamed": authority.certify("mx.example")}
        (self._config / "main.cf").write_text(MAIN.format(folder=folder, sink_port=sink_port, **chains))
        routes = "".join(f"{domain} smtp:[127.0.0.1]:{port}\n" for domain, port in (transports or {}).items())
        (folder / "transport").write_text(routes)
        doors = [_door(self.ports[door], settings) for door, settings in DOORS.items()]
        (self._config / "master.cf").write_text(SERVICES + "".join(doors))
        (folder / "access").write_text(ACCESS)
        (self._config / "sasl" / "smtpd.conf").write_text(SASL.format(folder=folder))
        self._add_user()

    def __enter__(self) -> "Postfix":
        self._run("postfix", "start")
        wait_until(lambda: "daemon started" in self.log(), "Postfix to start")
        return self

    def __exit__(self, *_: object) -> None:
        self._run("postfix", "stop")

    def log(self) -> str:
        """What it has logged so far."""
        path = self._folder / "log"
        return path.read_text() if path.exists() else ""

    def settled_log(self) -> str:
        """The log, once every connection that was opened is written off."""
        wait_until(lambda: self._connections("connect") == self._connections("disconnect"), "the ends of connections")
        return self.log()

    def queue_file(self, queue_id: str) -> str:
        """The envelope of a letter that it keeps."""
        return self._run("postcat", "-e", "-q", queue_id)

    def _connections(self, what: str) -> int:
        return len(re.findall(rf"smtpd\[\d+\]: {what} from", self.log()))

    def _add_user(self) -> None:
        name, _, realm = USERNAME.partition("@")
        database = self._folder / "sasldb2"
        command = [_found("saslpasswd2"), "-p", "-c", "-f", database, "-u", realm, name]
        subprocess.run(command, input=PASSWORD.encode(), check=True, capture_output=True, timeout=30)
        shutil.chown(database, "postfix")

    def _run(self, program: str, *arguments: str) -> str:
        command = [_found(program), "-c", self._config, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{program} {arguments}: {done.stdout}{done.stderr}{self.log()[-3000:]}"
        return done.stdout


def _door(port: int, settings: Mapping[str, str]) -> str:
    overrides = "".join(f" -o {name}={value}" for name, value in settings.items())
    return f"127.0.0.1:{port} inet n - n - - smtpd{overrides}\n"


def _found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")
