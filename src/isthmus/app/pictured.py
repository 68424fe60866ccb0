"""A model of pictures or of sounds, and a folder or an array of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.app.seen import as_url, picture_of, scaled, sound_of
from isthmus.app.subjects import Codeable, Codes, Rows
from isthmus.data.gallery import Pictures, as_planes, open_pictures
from isthmus.data.signals import Signal, open_signal
from isthmus.data.spectrograms import RATE, sounded, spectrogram
from isthmus.data.variables import Category
from isthmus.endings import PICTURE, SOUND, kind_of
from isthmus.errors import DataError, IsthmusWarning, UsageError
from isthmus.inwords import told
from isthmus.pictures import PictureAutoencoder
from isthmus.tasks.contrast import contrast


class Pictured(Codeable):
    """A model of pictures or of sounds, which are seen as pictures, and a folder or an array of them."""

    kind = "pictures"
    model: PictureAutoencoder

    def __init__(self, model: PictureAutoencoder, name: str) -> None:
        super().__init__(model, name)
        self.pictures: Pictures | None = None

    def open(self, path: Path) -> None:
        """Open pictures of the size that the model was fitted to."""
        pictures = open_pictures(path)
        net = self.model.net
        if pictures.planes.shape[1:] != (net.channels, *net.size):
            rows, columns = pictures.planes.shape[2:]
            raise DataError(
                f"'{path.name}' has pictures of {columns} x {rows} pixels; the model's are {net.size[::-1]}"
            )
        self.pictures, self.data_name = pictures, path.name
        self.__dict__.pop("codes", None)

    @property
    def rows(self) -> int:
        """Count the pictures."""
        return 0 if self.pictures is None else len(self.pictures.planes)

    def columns(self) -> list[dict[str, Any]]:
        """Tell the labels, where there are any."""
        labels = [] if self.pictures is None else sorted(set(self.pictures.labels or ()))
        return [{"name": "label", "kind": "category", "values": labels, "domain": ", ".join(labels[:12])}] * bool(
            labels
        )

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The pictures (n, rows, columns, channels)."""
        if self.pictures is None:
            raise UsageError("this needs data: open pictures with the model")
        return self.pictures.planes.transpose(0, 2, 3, 1)

    @cached_property
    def codes(self) -> Codes:
        """The codes (pictures, size) of the pictures."""
        return np.asarray(self.model.encode(self.pixels), np.float32)

    def usual_codes(self) -> Codes:
        """Codes of the pictures; without any, some that spread as those of the training did."""
        if self.rows:
            return self.codes
        mean, std = (np.array(self.model.facts_[name], np.float32) for name in ("code_mean", "code_std"))
        drawn = np.random.default_rng(0).standard_normal((500, len(mean)), np.float32)
        return np.asarray(mean + std * drawn, np.float32)

    def places(self, dim: int) -> npt.NDArray[Any]:
        """Give places (pictures, dim) on the model's map."""
        return np.asarray(self.model.map(self.pixels, dim=dim))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Give the labels."""
        if self.pictures is None or name != "label" or not self.pictures.labels:
            raise UsageError(f"there is no column '{name}': pictures have a label, where folders name them")
        return np.array(self.pictures.labels, dtype=object)

    def show(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Give pictures, each with its number, name and label, and where its sound is asked for, if it is one's."""
        if self.pictures is None:
            return []
        labels, names = self.pictures.labels, self.pictures.names
        return [
            {
                "row": int(row),
                "picture": as_url(self.pixels[row]),
                "name": str(names[row]),
                "label": labels[row] if labels else None,
            }
            | ({"sound": f"rows/{row}/sound"} if self.pictures.sounds else {})
            for row in rows
        ]

    def sent(self, file: bytes, name: str) -> tuple[Codes, dict[str, Any]]:
        """Encode a picture or a sound of the user's own: its code (size,), and what the page shows of it.

        A picture of another size than the model's is scaled to it, with a warning.

        Raises
        ------
        FileError, DataError, UsageError
            It is none, is broken or too large, or is a sound where the model is of pictures, or the other way round.
        """
        wanted = SOUND if self.model.facts_.get("sounds") else PICTURE
        told = repr(name) if name else f"the {wanted}"
        if (kind_of(name) or wanted) != wanted:
            raise UsageError(f"{told} is a {kind_of(name)}: '{self.name}' is a model of {wanted}s; choose one of those")
        if wanted == SOUND:
            signal = sound_of(file, told)
            try:
                pixels = spectrogram(signal.samples, signal.rate)
            except DataError as error:
                raise DataError(f"{told}: {error}") from None
        else:
            pixels = self._fitting(picture_of(file, told), told)
        pixels = as_planes(pixels, self.model.net.channels).transpose(1, 2, 0)
        code = np.asarray(self.model.encode(pixels[None]), np.float32)[0]
        return code, {"row": None, "picture": as_url(pixels), "name": name or told, "label": None}

    def _fitting(self, pixels: npt.NDArray[np.uint8], told: str) -> npt.NDArray[np.uint8]:
        """Give a picture the size of those that the model learnt from."""
        rows, columns = size = self.model.net.size
        if pixels.shape[:2] == size:
            return pixels
        own = f"{pixels.shape[1]:,} x {pixels.shape[0]:,} pixels"
        words = f"{told} has {own}: its middle was scaled to {columns} x {rows}, as the model's pictures are"
        warnings.warn(words, IsthmusWarning, stacklevel=2)
        return scaled(pixels, size)

    def sound(self, row: int) -> Signal:
        """Read the sound that a picture is of."""
        if self.pictures is None or not self.pictures.sounds:
            raise UsageError(f"'{self.data_name}' holds no sounds")
        return open_signal(self.pictures.sounds[row])

    def said(self, code: npt.ArrayLike, given: Mapping[str, Any] | None = None) -> Signal:
        """Give what a code (size,) sounds like, as long as the data's sounds usually are."""
        if not self.model.facts_.get("sounds"):
            raise UsageError(f"'{self.name}' is no model of sounds")
        label = (given or {}).get("label") if self.model.labels_ else None
        drawn = self.model.decode(np.asarray(code, np.float32)[None], label)[0]
        return Signal(sounded(drawn, float(self.model.facts_["sounds"]))[:, None], RATE)

    def apart(self, rows: Rows) -> list[dict[str, Any]]:
        """Tell by labels what pictures have in common that others have not."""
        if self.pictures is None or not self.pictures.labels or len(rows) == self.rows:
            return []
        names, places = np.unique(np.array(self.pictures.labels, str), return_inverse=True)
        chosen = np.isin(np.arange(self.rows), rows)
        found = contrast(places[:, None].astype(np.float64), [len(names)], chosen)
        return told(found, [Category("label", "string", False, tuple(names.tolist()))])

    def decode(self, codes: npt.ArrayLike, given: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Give the pictures that codes say."""
        label = (given or {}).get("label") if self.model.labels_ else None
        return [{"row": None, "picture": as_url(each)} for each in self.model.decode(codes, label)]

    def allowed(self, where: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Tell which pictures have a label."""
        kept = np.ones(self.rows, bool)
        for name, wanted in where.items():
            any_of = wanted["any"] if isinstance(wanted, Mapping) and "any" in wanted else [wanted]
            kept &= np.isin(self.column(name).astype(str), [str(each) for each in any_of])
        return kept
