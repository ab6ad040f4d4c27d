"""What many runs come to: ratios of pairs, medians over the rounds."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.measure import Run
from bench.sinks import FAST_SINK, SMTP_SINK

Figures = dict[str, object]


@dataclass(frozen=True)
class Measured:
    """A run, and what only Vigie's runs have."""

    run: Run
    database_cpu_s: float | None = None
    freeze_rows_per_s: float | None = None


@dataclass(frozen=True)
class Record:
    """One run and the run of smtp-source before it."""

    sender: str
    sink: str
    measured: Measured
    reference: Measured

    @property
    def ratio(self) -> float:
        """Letters per second as a part of what smtp-source did."""
        return self.measured.run.letters_per_s / self.reference.run.letters_per_s


def summarise(records: Sequence[Record]) -> Figures:
    """Return the figures by sender: into smtp-sink at the top, into the fast sink one level below."""
    figures: Figures = {}
    for sender in dict.fromkeys(record.sender for record in records):
        by_sink = {
            sink: _figures([record for record in records if (record.sender, record.sink) == (sender, sink)])
            for sink in (SMTP_SINK, FAST_SINK)
        }
        figures[sender] = {**by_sink[SMTP_SINK], FAST_SINK: by_sink[FAST_SINK]}
    references = {
        sink: _plain_figures([record.reference for record in records if record.sink == sink])
        for sink in (SMTP_SINK, FAST_SINK)
    }
    figures["smtp_source"] = {**references[SMTP_SINK], FAST_SINK: references[FAST_SINK]}
    return figures


def _figures(records: Sequence[Record]) -> Figures:
    ratios = [record.ratio for record in records]
    return {
        "ratio": round(statistics.median(ratios), 4),
        "ratio_min": round(min(ratios), 4),
        "ratio_max": round(max(ratios), 4),
        **_plain_figures([record.measured for record in records]),
    }


def _plain_figures(measured: Sequence[Measured]) -> Figures:
    """Return medians over the rounds; the memory is the highest of all."""
    runs = [one.run for one in measured]
    figures: Figures = {
        "letters": runs[0].letters,
        "letters_per_s": round(statistics.median(run.letters_per_s for run in runs), 1),
        "letters_per_s_of_runs": [round(run.letters_per_s, 1) for run in runs],
        "sink_letters_per_s": round(statistics.median(run.letters / run.sink_seconds for run in runs), 1),
        "cpu_us": round(statistics.median(run.cpu_us for run in runs), 1),
        "start_cpu_s": round(statistics.median(run.start_cpu_s for run in runs), 2),
        "rss_mb": round(max(run.rss_mb for run in runs), 1),
    }
    freezes = [one.freeze_rows_per_s for one in measured if one.freeze_rows_per_s is not None]
    if freezes:
        figures["freeze_rows_per_s"] = round(statistics.median(freezes))
    databases = [one.database_cpu_s / one.run.letters for one in measured if one.database_cpu_s is not None]
    if databases:
        figures["database_cpu_us"] = round(statistics.median(databases) * 1_000_000, 1)
    return figures
