"""What the benches make of what they saw."""

from pathlib import Path

import pytest

from bench import costs
from bench.markdown import put_between_marks
from bench.measure import Run, rates_by_tenth
from bench.sinks import FAST_SINK, SMTP_SINK
from bench.summary import Measured, Record, summarise
from bench.table import WRITERS, as_markdown
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


def scale_figures(readers: int) -> dict[str, object]:
    """Of editions whose rows take 100 octets each, and half as much in the index."""
    return {
        "machine": MACHINE, "readers": readers, "copies": readers, "freeze_rows_per_s": 100_000, "sign_ms": 0.3,
        "letter_octets": 21_400, "recovered_copies": 2_000, "recovery_ended_s": 0.06, "recovery_begun_s": 0.29,
        "bells": readers // 500, "bells_s": readers / 50_000,
        "reader_octets": {"subscribers": {"table": 100 * readers, "indexes": 50 * readers}},
        "engine_octets": {
            "deliveries": {"table": 200 * readers, "indexes": 50 * readers}, "paces": {"table": 0, "indexes": 8192},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("readers", "counted"), [(1_000_000, "1,000,000 measured"), (100_000, "extrapolated from 100,000")]
)
def test_costs_are_per_million_however_many_were_measured(readers: int, counted: str) -> None:
    told = {part: (cost, source) for part, cost, source in costs.rows(scale_figures(readers))}

    assert told["freezing an audience"] == ("10 s: 100,000 rows/s", counted)
    assert told["disk of an edition's deliveries, settled"] == ("250 MB: `deliveries` 200 + indexes 50", counted)
    assert told["bells of an edition that is done, on one worker"][0] == "20 s; with ten million readers 200 s"
    assert told["signing (DKIM, RSA and Ed25519)"][0] == "5 min of a core: 0.30 ms each"
    assert told["traffic to the relay"] == ("21.4 GB", "computed, 21.4 kB a letter")


def test_costs_say_what_they_were_measured_on() -> None:
    told = costs.as_markdown(scale_figures(1_000_000))

    assert told.startswith(
        "1,000,000 readers. 2 cores (A), 4.0 GB; Python 3.11.7, SQLite 3.40, Postfix 3.7.\n\n| part "
    )


def test_table_replaces_what_stood_between_the_marks_of_its_script() -> None:
    page = "Before\n<!-- a.py: begin -->\nold\n<!-- a.py: end -->\n<!-- b.py: begin -->\nb\n<!-- b.py: end -->\n"

    assert put_between_marks(page, "new\n", "a.py") == page.replace("\nold\n", "\n\nnew\n\n")


def test_table_refuses_a_page_without_marks() -> None:
    with pytest.raises(ValueError, match=r"the page has no <!-- a\.py: begin --> "):
        put_between_marks("Before\n<!-- b.py: begin -->\n<!-- b.py: end -->\n", "new\n", "a.py")


def test_each_page_holds_a_table_of_its_script_and_no_gap() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    pages = {"bench/send.py": docs / "performance.md", "bench/scale.py": docs / "scaling.md"}

    assert pages.keys() == WRITERS.keys()
    for script, path in pages.items():
        page = path.read_text(encoding="utf-8")
        assert "| ---" in page.partition(f"<!-- {script}: begin -->")[2].partition("<!-- ")[0]
        assert "to be measured" not in page
        put_between_marks(page, "", script)


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
