"""Compare DKIM signing with `openssl speed rsa2048` on one core, and with dkimpy: signed letters per second.

Signs distinct 20 kB letters, body hash included, each program in turn for some seconds and over several rounds; the
figure is the median round. Seconds are those of the processor, as OpenSSL counts them: other programs matter
little. Exit code 1 where RSA signing is under LIMIT of OpenSSL's own signatures.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # this file's own folder would hide dkimpy, whose name this file has

import dkim  # noqa: E402

from app.mail import quoted_printable  # noqa: E402
from app.mail.dkim import Algorithm, Signer, create_keys, key_path, names_to_sign  # noqa: E402
from app.mail.letter import Letter, cast  # noqa: E402

LIMIT = 0.6
LETTERS = 200
LETTER_OCTETS = 20_000
DOMAIN = "newsletter.example"
DATE = datetime(2026, 3, 17, 6, 30, tzinfo=UTC)
PARAGRAPH = "Trois câbles sous-marins ont été coupés en mer Baltique ; l’enquête se poursuit, sans piste à ce jour. "

Split = tuple[bytes, bytes]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="of each program in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    letters = [make_letter(number) for number in range(LETTERS)]
    with tempfile.TemporaryDirectory() as folder:
        measures = make_measures(Path(folder), letters, arguments.seconds)
        rounds = [{name: measure() for name, measure in measures.items()} for _ in range(arguments.rounds)]
    per_s = {name: median(each[name] for each in rounds) for name in measures}
    figures = {
        "letter_octets": sum(len(headers) + len(body) for headers, body in letters) // LETTERS,
        **{f"{name}_per_s": round(value, 1) for name, value in per_s.items()},
        **{f"{name}_to_openssl": round(per_s[name] / per_s["openssl"], 3) for name in ("rsa", "dual", "dkimpy")},
        "rsa_to_dkimpy": round(per_s["rsa"] / per_s["dkimpy"], 1),
    }
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures))
    return 0 if figures["rsa_to_openssl"] >= LIMIT else 1


def make_measures(folder: Path, letters: list[Split], seconds: int) -> dict[str, Callable[[], float]]:
    """Return what measures each program, by name; dkimpy signs the same fields with the same RSA key."""
    rsa, ed25519 = create_keys(folder, {Algorithm.RSA: "rsa", Algorithm.ED25519: "ed"})
    pem = key_path(folder, rsa).read_bytes()
    single, dual = Signer(DOMAIN, [rsa]), Signer(DOMAIN, [rsa, ed25519])
    names = list(names_to_sign(tuple(re.findall(rb"(?m)^([a-z-]+):", letters[0][0].lower()))))

    def sign_with_dkimpy(headers: bytes, body: bytes) -> None:
        message = dkim.DKIM(headers + b"\r\n" + body)
        message.sign(b"rsa", DOMAIN.encode(), pem, canonicalize=(b"relaxed", b"relaxed"), include_headers=names)

    return {
        "openssl": lambda: openssl_per_s(seconds),
        "rsa": lambda: per_s(lambda headers, body: single.sign(headers, body, at=DATE), letters, seconds),
        "dual": lambda: per_s(lambda headers, body: dual.sign(headers, body, at=DATE), letters, seconds),
        "dkimpy": lambda: per_s(sign_with_dkimpy, letters, seconds),
    }


def openssl_per_s(seconds: int) -> float:
    command = ["openssl", "speed", "-seconds", str(seconds), "rsa2048"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"rsa\s+2048 bits\s+\S+s\s+\S+s\s+([\d.]+)", output)
    if found is None:
        raise SystemExit(f"openssl speed said what cannot be read: {output!r}")
    return float(found[1])


def per_s(sign: Callable[[bytes, bytes], object], letters: list[Split], seconds: int) -> float:
    begun = time.process_time()
    for count, (headers, body) in enumerate(cycle(letters), 1):
        sign(headers, body)
        elapsed = time.process_time() - begun
        if elapsed >= seconds:
            return count / elapsed
    raise AssertionError("no letters")


def make_letter(number: int) -> Split:
    link = f"https://{DOMAIN}/fr/unsubscribe/{number:066d}"
    paragraphs = PARAGRAPH * (LETTER_OCTETS // (2 * len(quoted_printable.encode(PARAGRAPH))))
    letter = Letter(
        subject="Cybersécurité & géopolitique : l’édition du 17 mars", language="fr",
        html=f'<p>{paragraphs}</p>\n<a href="{link}">Se désabonner</a>', text=f"{paragraphs}\n{link}\n",
        from_name="Cyber & Géopolitique, la lettre", from_address=f"lettre@{DOMAIN}", list_name="Cyber & Géopolitique",
        list_id=f"fr.{DOMAIN}", unsubscribe_url=link, archive_url=f"https://{DOMAIN}/fr/archive/7",
        help_url=f"https://{DOMAIN}/fr/", owner=f"contact@{DOMAIN}", feedback_id=f"7:fr:digest:{DOMAIN}",
        is_automatic=True,
    )  # fmt: skip
    recipient = f"reader{number}@reader.example"
    return cast(letter, date=DATE).fill_parts(recipient=recipient, message_id=f"<{number}@{DOMAIN}>")


if __name__ == "__main__":
    sys.exit(main())
