"""`flask serve`, `flask scheduler`, `flask worker`: the long-running processes."""

import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from app.admins.signin import awaits_first_admin
from app.cli.acts import system_actor
from app.cli.database import upgrade_database
from app.cli.output import refusals_in_words
from app.cli.serving import serving_pages
from app.clock import now
from app.demo.catcher import Mailbox, make_catcher
from app.demo.seeding import make_first_admin, seed_sources
from app.feedback.intake import make_intake
from app.feedback.listener import listening
from app.jobs.scheduler import Scheduler
from app.keeping.departing import keeper_of
from app.product import Product
from app.sending import make_loops
from app.topics.taxonomy import TaxonomyInvalid, load
from app.web import product
from config import Config

log = logging.getLogger(__name__)

#: What ends processes waits 30 s before it kills, as a rule. A worker is gone by then; `flask serve` ends its pages
#: first, whose last answers may take as long, and begins no letter meanwhile.
DRAIN_S = 25.0
#: The garbage collector looks at young objects when there are this many more than before.
COLLECTED_AFTER = 10_000
DATABASE_WAIT_S = 1.0


@click.command("serve")
@with_appcontext
def serve() -> None:
    """Run everything on one machine: pages, scheduler, sender, and a mail catcher where no mail server is set."""
    app, wired = current_app._get_current_object(), product()  # type: ignore[attr-defined]
    config, stop = wired.config, threading.Event()
    check_ports(config)
    check_topics(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _raise_interrupt)
    with refusals_in_words():
        upgrade_database()
    with suppress(KeyboardInterrupt), ExitStack() as parts:
        if config.uses_catcher:
            parts.enter_context(running_catcher(config))
            seed_sources(wired)
        parts.enter_context(running_scheduler(wired))
        parts.enter_context(running_sender(app, stop))
        if config.returns.port:
            parts.enter_context(listening(make_intake(wired), config.returns))
        server = parts.enter_context(serving_pages(config))
        parts.callback(stop.set)  # runs first: no letter begins while the pages take their time to end
        print_places(wired)
        wait_for_end(server)
    click.echo("Stopped.")


@click.command("scheduler")
@with_appcontext
def scheduler() -> None:
    """Run the periodic jobs; several of these may run, one works at a time."""
    check_topics(product().config)
    with running_scheduler(product()):
        click.echo("The scheduler runs; Ctrl-C or SIGTERM ends it.")
        wait_for_signal()


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Send what is queued until told to stop; what is in hand is finished first."""
    with running_sender(current_app._get_current_object(), threading.Event()):  # type: ignore[attr-defined]
        click.echo("The sender runs; Ctrl-C or SIGTERM ends it.")
        wait_for_signal()


def wait_for_end(server: "subprocess.Popen[bytes]") -> None:
    """Wait until SIGINT or SIGTERM interrupts; leave with code 1 where the server process ends before that."""
    server.wait()
    click.echo("vigie: the pages' server process ended", err=True)
    sys.exit(1)


def check_ports(config: Config) -> None:
    """Leave with one line and code 2 where a port that we need is taken."""
    ports = {"PORT": (config.bind, config.port)}
    if config.returns.port:
        ports["BOUNCE_PORT"] = (config.returns.bind, config.returns.port)
    if config.uses_catcher:
        ports["MAIL_CATCHER_PORT"] = ("127.0.0.1", config.mail.port)
    for name, address in ports.items():
        with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                click.echo(f"vigie: {name} {address[1]} cannot be used: {error.strerror}", err=True)
                sys.exit(2)


def check_topics(config: Config) -> None:
    """Leave with a line for each problem and code 2 where the taxonomy is wrong: its jobs would fail at each tick."""
    try:
        load(config.topics_file)
    except TaxonomyInvalid as error:
        for problem in error.problems:
            click.echo(f"vigie: TOPICS_FILE {config.topics_file}: {problem}", err=True)
        sys.exit(2)


def print_places(wired: Product) -> None:
    """Tell where everything is."""
    config, base = wired.config, wired.config.public_url
    click.echo(f"Sign-up page  {base}/")
    if config.uses_catcher:
        click.echo(f"Mailbox       {base}/mailbox/   (SMTP catcher on 127.0.0.1:{config.mail.port})")
    else:
        click.echo(f"Mail server   {config.mail.server}:{config.mail.port}")
    if config.returns.port:
        click.echo(f"Returned mail {config.returns.bind}:{config.returns.port}")
    click.echo(f"Admin desk    {base}/admin/")
    print_way_in(wired)
    click.echo("Ctrl-C ends everything.")


def print_way_in(wired: Product) -> None:
    """Tell how somebody signs in first, while nobody has: a trial has an admin, elsewhere one is to be named."""
    if wired.config.uses_catcher:
        if (link := make_first_admin(wired, actor=system_actor())) is not None:
            click.echo(f"Sign in once  {link}")
        return
    with wired.database.reading() as session:
        if awaits_first_admin(session):
            click.echo("First admin   flask admins add ADDRESS prints a link that signs them in")


@contextmanager
def running_catcher(config: Config) -> Iterator[None]:
    """Run the mail catcher."""
    controller = make_catcher(Mailbox(config.mailbox_dir), config.mail.port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@contextmanager
def running_scheduler(wired: Product) -> Iterator[None]:
    """Run the periodic jobs in background threads."""
    await_departures(wired)
    ticking = Scheduler(wired)
    ticking.start()
    try:
        yield
    finally:
        ticking.stop()


def await_departures(wired: Product) -> None:
    """Let a database that was restored hear of the departures since, before anything is sent; wait where it is away."""
    with refusals_in_words():
        while True:
            try:
                keeper_of(wired).catch_up(now())
            except OperationalError as error:
                log.warning("the start waits for the database: %s", error.orig)
                time.sleep(DATABASE_WAIT_S)
            else:
                return


def spare_collector() -> None:
    """Keep the garbage collector from walking over all that was made at the start, and from looking too often.

    Letters leave no cycles behind; looking for them takes a twentieth of a letter's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)


@contextmanager
def running_sender(app: Flask, stop: threading.Event) -> Iterator[None]:
    """Run the sending engines in background threads until `stop` is set, at the latest by leaving.

    Leaving waits for the letters on the wire, within `DRAIN_S`. Where a relay lets them wait longer the
    process ends all the same, with code 0: its journal tells how to go on.
    """
    await_departures(app.extensions["vigie"])
    with refusals_in_words():
        loops = make_loops(app)
    threads = [threading.Thread(target=loop, args=(stop,), name="sender") for loop in loops]
    spare_collector()
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        until = time.monotonic() + DRAIN_S
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))
        if any(thread.is_alive() for thread in threads):
            log.warning("letters on the wire have no reply yet; the next sender reads from the journal how to go on")
            logging.shutdown()
            os._exit(0)  # a usual exit would wait for the threads


def wait_for_signal() -> None:
    """Sleep until SIGINT or SIGTERM."""
    stop = threading.Event()
    end: Callable[[int, FrameType | None], None] = lambda *_: stop.set()  # noqa: E731 - a handler of one line
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while not stop.wait(1.0):  # an endless wait would not see the signal on every platform
        pass


def _raise_interrupt(*_: object) -> None:
    """End, once: a second signal would cut the end short, and leave the pages on their port."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
