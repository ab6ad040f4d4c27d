"""The files of imports: the list while it is needed, and the report. One folder each, readable by the owner only."""

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from app.errors import ListRefused

#: Octets that are copied at once.
PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class ImportFiles:
    """Where the files of imports are; on several machines a folder that all share."""

    folder: Path

    def list_of(self, import_id: int) -> Path:
        """Return where the list of an import is."""
        return self._folder_of(import_id) / "list.csv"

    def report_of(self, import_id: int) -> Path:
        """Return where the report on an import is."""
        return self._folder_of(import_id) / "report.csv"

    def receive(self, upload: IO[bytes], *, max_bytes: int) -> Path:
        """Copy an upload, piece by piece, to a file that no import has yet, and return it.

        Raises ListRefused, and leaves nothing, where it is larger than `max_bytes` or empty.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"received-{os.urandom(8).hex()}"
        size = 0
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                while piece := upload.read(PIECE_BYTES):
                    size += len(piece)
                    if size > max_bytes:
                        raise ListRefused("large", f"a list may have {max_bytes // 1024 // 1024} MB at most")
                    file.write(piece)
            if size == 0:
                raise ListRefused("empty", "the file is empty")
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def keep(self, received: Path, import_id: int) -> None:
        """Let a received file be the list of an import."""
        self._folder_of(import_id).mkdir(mode=0o700, exist_ok=True)
        received.rename(self.list_of(import_id))

    def drop_list(self, import_id: int) -> None:
        """Delete the list of an import, which is over."""
        self.list_of(import_id).unlink(missing_ok=True)

    def drop(self, import_id: int) -> None:
        """Delete all files of an import."""
        shutil.rmtree(self._folder_of(import_id), ignore_errors=True)

    def drop_strays(self, import_ids: Collection[int], *, before: datetime) -> None:
        """Delete what was written before a time and is of none of these imports, as a crash leaves it behind."""
        known = {str(import_id) for import_id in import_ids}
        for path in [path for path in self.folder.glob("*") if path.name not in known]:
            with suppress(FileNotFoundError):  # an upload that is over at this moment
                if path.stat().st_mtime < before.timestamp():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _folder_of(self, import_id: int) -> Path:
        return self.folder / str(import_id)
