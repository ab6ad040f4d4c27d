"""What the benches make of what they saw."""

from pathlib import Path

import pytest

from bench.measure import Run, rates_by_tenth
from bench.sinks import FAST_SINK, SMTP_SINK
from bench.summary import Measured, Record, summarise
from bench.table import BEGIN, END, as_markdown, put_between_marks
from bench.tally import tally_faults

MACHINE = {"cpu": "A", "cores": 2, "memory_gb": 4.0, "python": "3.11.7", "sqlite": "3.40", "postfix": "3.7"}


def make_run(letters_per_s: float, *, cpu_s: float = 0.1) -> Measured:
    seconds = 1000 / letters_per_s
    return Measured(Run(1000, seconds, seconds, cpu_s, 0.5, 40.0, ()))


def test_rates_by_tenth_are_read_between_the_points() -> None:
    curve = [(0.0, 0), (1.0, 50), (3.0, 100)]

    assert rates_by_tenth(curve, 100) == pytest.approx([50.0] * 5 + [25.0] * 5)


def test_ratios_are_of_the_pairs_and_the_median_is_told() -> None:
    pairs = [(500, 1000), (900, 1000), (300, 400)]
    records = [
        Record("postgresql", sink, make_run(own), make_run(reference))
        for own, reference in pairs
        for sink in (SMTP_SINK, FAST_SINK)
    ]

    figures = summarise(records)["postgresql"]

    assert (figures["ratio"], figures["ratio_min"], figures["ratio_max"]) == (0.75, 0.5, 0.9)
    assert figures["letters_per_s"] == 500
    assert figures["cpu_us"] == 100
    assert figures[FAST_SINK]["ratio"] == 0.75


def test_table_names_senders_that_were_measured() -> None:
    records = [Record("sqlite", sink, make_run(500), make_run(1000)) for sink in (SMTP_SINK, FAST_SINK)]
    figures = {
        "machine": MACHINE, "letters": 1000, "letter_octets": 20_000, "rounds": 1, "connections": 8,
        **summarise(records),
    }  # fmt: skip

    lines = as_markdown(figures).splitlines()

    assert lines.count("| Vigie, SQLite | 500 | 0.50 | 0.50–0.50 | 100 |  | 40 |") == 2
    assert not any("PostgreSQL" in line for line in lines)


def test_table_replaces_what_stood_between_the_marks() -> None:
    page = f"Before\n{BEGIN}\nold\n{END}\nafter\n"

    assert put_between_marks(page, "new\n") == f"Before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_table_refuses_a_page_without_marks() -> None:
    with pytest.raises(ValueError, match="the page has no"):
        put_between_marks("Before\n", "new\n")


@pytest.mark.parametrize(
    ("lines", "faults"),
    [
        (["a\t<1>", "b\t<2>"], []),
        (["a\t<1>"], ["1 readers got no letter"]),
        (["a\t<1>", "b\t<2>", "b\t<2>"], ["1 readers got more than one letter"]),
        (["a\t<1>", "b\t<2>", "z\t<3>"], ["1 recipients are no readers"]),
        (["a\t<1>", "b\t<1>"], ["1 Message-IDs for 2 recipients"]),
        (["a\t<1>", "b\t"], ["a letter has no Message-ID"]),
    ],
)
def test_tally_tells_every_fault(tmp_path: Path, lines: list[str], faults: list[str]) -> None:
    tallies = [tmp_path / "1", tmp_path / "2"]
    tallies[0].write_text(f"{lines[0]}\n")
    tallies[1].write_text("".join(f"{line}\n" for line in lines[1:]))

    assert tally_faults(tallies, {"a", "b"}) == faults
