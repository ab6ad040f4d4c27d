"""What bench/consents.py measures is a ledger that verifies."""

from pathlib import Path

from bench.chains import DAYS, as_markdown, measure


def test_real_chains_are_made_sealed_and_verified(tmp_path: Path) -> None:
    figures = measure(f"sqlite:///{tmp_path / 'vigie.db'}", tmp_path, 200)
    assert figures["readers"] == 200
    assert figures["events"] == 200 * 2 + 100 + 200
    assert int(str(figures["seals"])) > DAYS
    table = as_markdown({**figures, "machine": {"load_before": 0, "cores": 1, "cpu": "x", "memory_gb": 1, "python": "3",
                                                "sqlite": "3", "postfix": "3"}})  # fmt: skip
    assert "verifying 700 events" in table
