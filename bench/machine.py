"""What the figures were measured on."""

import os
import platform
import sqlite3
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.databases import SHOWN_SETTINGS, Postgresql
from bench.processes import BenchFailed
from bench.sinks import postfix_tool

Facts = dict[str, object]


def describe_machine(server: Postgresql | None) -> Facts:
    """Return the versions and the hardware. `load_before` tells whether others were at work as well."""
    facts: Facts = {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postfix": _postfix_version(),
        "uvloop": _uvloop_version(),
    }
    if server is not None:
        facts["postgresql"] = server.shown("server_version")
        facts["postgresql_settings"] = {name: server.shown(name) for name in SHOWN_SETTINGS}
    return facts


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _postfix_version() -> str:
    command = [postfix_tool("postconf"), "-dh", "mail_version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _uvloop_version() -> str:
    try:
        return version("uvloop")
    except PackageNotFoundError as error:
        raise BenchFailed("uvloop is not installed: without it our own sink is no fast one") from error
