"""What bench/imports.py measures are imports that add every row of its list."""

from pathlib import Path

from bench.imports import as_markdown, measure, write_list


def test_a_list_is_imported_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = write_list(tmp_path / "readers.csv", 50)
    figures = measure(f"sqlite:///{tmp_path / 'vigie.db'}", tmp_path, path, 50)
    assert figures["imported_s"] > 0
    table = as_markdown(50, [figures], {"load_before": 0, "cores": 1, "cpu": "x", "memory_gb": 1, "python": "3",
                                        "sqlite": "3", "postfix": "3"})  # fmt: skip
    assert "| sqlite |" in table
