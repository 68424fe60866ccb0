"""A model of a series, and one: a table of its moments, each with what is around it."""

from __future__ import annotations

from pathlib import Path

from isthmus.app.rowed import Rowed
from isthmus.data.sources import Table, open_table
from isthmus.series import SeriesAutoencoder


class Timed(Rowed):
    """A model of a series, whose moments are looked at as rows."""

    def __init__(self, series: SeriesAutoencoder, name: str) -> None:
        super().__init__(series.model_, name)
        self.series = series

    def read(self, path: Path) -> Table:
        """Read a series in the order of time, and give its moments."""
        return Table(self.series.moments(open_table(path, missing=self.series.missing).columns))
