"""Play a day of attack on the sign-up form, through the pages themselves, and count who gets letters.

500 networks send 10,000 sign-ups over a day: once all of them name 50 victims, in many spellings of their mailboxes,
and once each names another stranger. Meanwhile readers sign up from networks of their own; where the form asks them for
proof, one half does the work as the script does, the other waits a minute. The clock is moved, nobody waits.

python bench/bombing.py                         print the table
python bench/bombing.py --into docs/abuse.md    put it into the page, between its two marks
"""

import argparse
import base64
import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import time_machine
from altcha import Challenge, Payload, solve_challenge
from flask import Flask
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import create_app
from app.delivery.models import Chunk, Delivery
from app.mail.address import mailbox_of
from app.newsletters.defaults import install_defaults
from app.newsletters.models import current_policy, current_wording
from app.product import Product
from app.subscriptions.models import Subscriber
from app.subscriptions.signup import CONFIRMATION
from bench.markdown import as_table, put_between_marks
from config import Config

SCRIPT = "bench/bombing.py"
MIDNIGHT = datetime(2026, 3, 17, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HEADINGS = (
    "who", "sign-ups", "“look in your mailbox”", "“wait” (429)", "“prove it” (503)", "letters",
    "most to one mailbox", "most in 15 minutes",
)  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """How large a day is. With `victims` none is named twice on purpose: each sign-up names a stranger."""

    name: str
    tries: int = 10_000
    networks: int = 500
    victims: int | None = 50
    readers: int = 200


@dataclass
class Side:
    """What one side did and got: answers by status, and the times of letters by mailbox."""

    tries: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    letters: dict[str, list[datetime]] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """All letters."""
        return sum(len(times) for times in self.letters.values())

    def most_within(self, length: timedelta) -> int:
        """The most letters that one mailbox got in any stretch of time."""
        return max(
            (
                sum(begun <= each < begun + length for each in times)
                for times in self.letters.values()
                for begun in times
            ),
            default=0,
        )


@dataclass(frozen=True)
class SignUp:
    """One sign-up: when, by whom, from where."""

    at: datetime
    email: str
    network: str
    is_attack: bool
    has_script: bool = False


def play(app: Flask, attack: Attack) -> tuple[Side, Side]:
    """Play the day on an app with a fresh database, and return how the attackers and the readers fared."""
    product: Product = app.extensions["vigie"]
    client, sides = app.test_client(), {True: Side(), False: Side()}
    texts = read_texts(product)
    with time_machine.travel(MIDNIGHT, tick=False) as clock:
        for sign_up in plan(attack):
            clock.move_to(sign_up.at)
            side = sides[sign_up.is_attack]
            side.tries += 1
            fields = {"email": sign_up.email, "token": product.form_tokens.sign("form", texts, at=sign_up.at - MINUTE)}
            answer = client.post("/fr/subscribe", data=fields, environ_overrides={"REMOTE_ADDR": sign_up.network})
            side.answers[answer.status_code] += 1
            if answer.status_code == 503 and not sign_up.is_attack:
                clock.shift(MINUTE)
                fields |= {"proof": work(answer.text)} if sign_up.has_script else {"waited": waited(answer.text)}
                again = client.post("/fr/subscribe", data=fields, environ_overrides={"REMOTE_ADDR": sign_up.network})
                side.answers[again.status_code] += 1
    read_letters(product, sides)
    return sides[True], sides[False]


def plan(attack: Attack) -> list[SignUp]:
    """Return the day's sign-ups in their order; the same each time."""
    dice = random.Random(20160813)
    spellings = [list(spellings_of(number)) for number in range(attack.victims or 0)]
    day = []
    for number in range(attack.tries):
        names = dice.choice(spellings) if spellings else [f"stranger{number}@office{number % 997}.example"]
        at = MIDNIGHT + DAY * dice.random()
        day.append(SignUp(at, dice.choice(names), network_of(dice.randrange(attack.networks), dice), is_attack=True))
    for number in range(attack.readers):
        email, network = f"reader{number}@home{number % 40}.example", f"198.18.{number // 250}.{number % 250}"
        day.append(SignUp(MIDNIGHT + DAY * dice.random(), email, network, is_attack=False, has_script=number % 2 == 0))
    return sorted(day, key=lambda sign_up: sign_up.at)


def spellings_of(number: int) -> Iterator[str]:
    """Yield ways to write one victim's address: tags, dots at Gmail, capitals, both forms of a domain."""
    if number % 3 == 0:
        name = f"victim.number.{number}"
        yield from (f"{name}@gmail.com", f"{name.replace('.', '')}@googlemail.com", f"V.{name[1:]}+news@Gmail.com")
    elif number % 3 == 1:
        yield from (
            f"victim{number}@bücher.example",
            f"Victim{number}@XN--BCHER-KVA.example",
            f"victim{number}+1@bücher.example",
        )
    else:
        yield from (f"victim{number}{tag}@Town{number}.example" for tag in ("", "+a", "+b.c", "+" + "z" * 20))


def network_of(number: int, dice: random.Random) -> str:
    """Return an address of one attacking network: every second one has a whole IPv6 /64 to draw from."""
    if number % 2:
        return f"203.0.{number // 250}.{number % 250}"
    return f"2001:db8:{number:x}:1:{dice.getrandbits(16):x}:{dice.getrandbits(16):x}::1"


def read_texts(product: Product) -> str:
    """Return what a form's mark holds of its texts."""
    with product.database.reading() as session:
        wording, policy = session.scalars(current_wording(1, "fr")).one(), session.scalars(current_policy("fr")).one()
    return f"{wording.id}-{policy.id}-bombing"


def work(page: str) -> str:
    """Do the work that a page asks for."""
    match = re.search(r'data-challenge="([^"]+)"', page)
    assert match
    challenge = Challenge.from_dict(json.loads(unescape(match[1])))
    solution = solve_challenge(challenge)
    assert solution
    return base64.b64encode(json.dumps(Payload(challenge, solution).to_dict()).encode()).decode()


def waited(page: str) -> str:
    """Return the mark of the wait that a page began."""
    match = re.search(r'name="waited" value="([^"]+)"', page)
    assert match
    return match[1]


def read_letters(product: Product, sides: dict[bool, Side]) -> None:
    """Note who got letters when; whatever the spelling, by mailbox."""
    query = (
        select(Subscriber.email_key, Chunk.created_at)
        .join(Delivery, Delivery.subscriber_id == Subscriber.id)
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.kind == CONFIRMATION)
        .order_by(Chunk.created_at)
    )
    with product.database.reading() as session:
        for email_key, at in session.execute(query):
            side = sides[not email_key.startswith("reader")]
            side.letters.setdefault(mailbox_of(email_key), []).append(at)


@contextmanager
def opened_app(folder: Path) -> Iterator[Flask]:
    """Yield the app on a fresh SQLite file, with its default settings."""
    config = Config.from_env({"VIGIE_DATA_DIR": str(folder)})
    app = create_app(config)
    with app.app_context():
        app.extensions["alembic"].upgrade()
    product: Product = app.extensions["vigie"]
    with product.database.transaction() as session:
        install_defaults(session, config, MIDNIGHT - DAY)
    try:
        yield app
    finally:
        product.database.dispose()


def as_markdown(results: list[tuple[Attack, tuple[Side, Side]]]) -> str:
    """Return the tables of some days."""
    parts = []
    for attack, (attackers, readers) in results:
        rows = [row(f"attackers, {attack.networks} networks", attackers), row(f"readers, {attack.readers}", readers)]
        parts.append(f"**{attack.name}**\n\n{as_table(HEADINGS, rows)}")
    return "\n\n".join(parts) + "\n"


def row(who: str, side: Side) -> list[str]:
    statuses = [side.answers[status] for status in (303, 429, 503)]
    numbers = [side.tries, *statuses, side.sent, side.most_within(DAY), side.most_within(15 * MINUTE)]
    return [who, *(f"{number:,}" for number in numbers)]


ATTACKS = (Attack("50 victims, 10,000 sign-ups"), Attack("10,000 strangers, one sign-up each", victims=None))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    results = []
    for attack in ATTACKS:
        with tempfile.TemporaryDirectory() as folder, opened_app(Path(folder)) as app:
            results.append((attack, play(app, attack)))
    table = as_markdown(results)
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, table, SCRIPT), encoding="utf-8")
    else:
        print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
