"""How large a list of readers may be that is brought along."""

from dataclasses import dataclass
from pathlib import Path

from app.settings.environment import Environment


@dataclass(frozen=True)
class ImportSettings:
    """How large a list may be, and where it lies while it is looked at; without `shared_dir`, in the data directory."""

    max_mb: int = 200
    max_rows: int = 2_000_000
    shared_dir: Path | None = None

    @classmethod
    def read(cls, env: Environment) -> "ImportSettings":
        """Read how large a list may be."""
        folder = env.text("IMPORTS_DIR", "")
        return cls(
            max_mb=env.whole("IMPORT_MAX_MB", cls.max_mb, 1, 10_000),
            max_rows=env.whole("IMPORT_MAX_ROWS", cls.max_rows, 1, 100_000_000),
            shared_dir=Path(folder).absolute() if folder else None,
        )

    @property
    def max_bytes(self) -> int:
        """How many octets a list may have."""
        return self.max_mb * 1024 * 1024
