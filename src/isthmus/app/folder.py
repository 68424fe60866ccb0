"""The folder that the app was given: what lies in it, and nothing outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from isthmus.endings import PICTURES, kind_of
from isthmus.errors import FileError, UsageError
from isthmus.files import writing

MODEL = ".isthmus"
TABLES = (".csv", ".csv.gz", ".tsv", ".parquet")
ARRAYS = (".npy", ".npz")
KNOWN = (MODEL, *TABLES, *ARRAYS, *PICTURES)


class Folder:
    """Files that may be opened, by name.

    Parameters
    ----------
    path
        The folder.
    more
        Files and folders elsewhere that the user named on the command line; they go by their names too.
    """

    def __init__(self, path: Path, more: tuple[Path, ...] = ()) -> None:
        self.path = path.resolve()
        self._more = {each.name: each.resolve() for each in more}

    def list(self) -> dict[str, Any]:
        """Tell what lies here: models, and data that can be opened with them; newest first."""
        here = [each for each in self.path.iterdir() if not each.name.startswith(".")] if self.path.is_dir() else []
        seen = {each.name: each for each in here} | self._more
        files = sorted(seen.values(), key=lambda each: -each.stat().st_mtime if each.exists() else 0)
        models = [_told(each) for each in files if each.name.lower().endswith(MODEL) and each.is_file()]
        tables = [_told(each) for each in files if each.name.lower().endswith((*TABLES, *ARRAYS)) and each.is_file()]
        folders = [{"name": each.name, "bytes": None} for each in files if each.is_dir() and _has_media(each)]
        return {"folder": str(self.path), "models": models, "data": [*tables, *folders]}

    def find(self, name: str) -> Path:
        """Give the path of a file or folder by its name.

        Raises
        ------
        FileError
            There is none of that name, or it is not in this folder.
        """
        if name in self._more:
            return self._more[name]
        path = self._inside(name)
        if not path.exists():
            raise FileError(f"'{name}': no such file in '{self.path.name}'")
        return path

    def new(self, name: str, endings: tuple[str, ...] = KNOWN) -> Path:
        """Give the path of a file that is to be written.

        Raises
        ------
        UsageError
            The name is none, or ends like no file that is known here.
        FileError
            It would be outside of the folder, or is taken.
        """
        if not name.lower().endswith(endings):
            raise UsageError(f"'{name[:80]}': unknown extension; known are {', '.join(endings)}")
        path = self._inside(name)
        if path.exists() or name in self._more:
            raise FileError(f"'{name}' is there already: choose another name")
        return path

    async def keep(self, name: str, parts: AsyncIterator[bytes]) -> Path:
        """Write a file that is sent, whole or not at all."""
        path = self.new(name)
        with writing(path) as temporary, temporary.open("wb") as file:
            async for part in parts:
                file.write(part)
        return path

    def _inside(self, name: str) -> Path:
        alone = bool(name) and name == Path(name).name and "\\" not in name
        if not alone or name.startswith(".") or not name.isprintable():
            raise FileError(f"'{name[:80]}' is no name of a file in this folder")
        path = (self.path / name).resolve()
        if path.parent != self.path:  # a link to elsewhere
            raise FileError(f"'{name}' lies outside of this folder")
        return path


def _told(path: Path) -> dict[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size}


def _has_media(folder: Path) -> bool:
    try:
        here = (each for one in (folder, *_folders(folder)) for each in one.iterdir())
        return any(kind_of(each) is not None and not each.name.startswith(".") for each in here)
    except OSError:
        return False


def _folders(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
