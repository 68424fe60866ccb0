"""How small data become, by how near they are to be: a table's curve, and a picture's beside JPEG."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from isthmus.app.desk import Answer, Desk, Here
from isthmus.app.rowed import Rowed
from isthmus.app.seen import as_url, picture_of, psnr
from isthmus.app.subjects import Subject
from isthmus.errors import IsthmusError, UsageError

ID, TITLE = "compress", "Compress"
router = APIRouter()

TOLERANCES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1)
"""Shares of each column's range that numbers may be off."""
SOME = 20_000
"""Rows that are written to draw the curve."""
SECONDS = 4.0
"""Time to learn, for each point."""
QUALITIES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
LARGEST = 2_000_000
"""Pixels of a picture that is written so often."""


def refusal(subject: Subject | None) -> str | None:
    """Show it always: a picture can be sent whatever is open."""
    return None


@dataclass
class Curve:
    """The points that are there, and whether more are to come."""

    rows: int
    plain: dict[str, int]
    points: list[dict[str, float]] = field(default_factory=list)
    running: bool = True
    fault: str = ""


@router.post("/compress/table")
def begin(desk: Here) -> Answer:
    """Begin to write the open table at each tolerance."""
    subject = desk.rowed
    subject.need_data()
    return Answer(_told(desk.keep("curve", lambda: _begin(desk, subject))))


@router.get("/compress/table")
def look(desk: Here) -> Answer:
    """Give the points so far."""
    subject = desk.rowed
    return Answer(_told(desk.keep("curve", lambda: _begin(desk, subject))))


@router.post("/compress/picture")
async def picture(request: Request, perceptual: bool = False) -> Answer:
    """Write a picture that is sent at every quality, and as JPEG of as many bytes."""
    sent = await request.body()
    return Answer(await run_in_threadpool(_pictured, sent, perceptual))


def _told(curve: Curve) -> dict[str, Any]:
    more = {"plain": curve.plain, "fault": curve.fault, "of": len(TOLERANCES)}
    return {"rows": curve.rows, "points": list(curve.points), "running": curve.running, **more}


def _begin(desk: Desk, subject: Rowed) -> Curve:
    subject.need_data()
    assert subject.table is not None
    table = subject.table.columns
    few = table if len(table) <= SOME else table.slice(0, SOME)
    curve = Curve(len(few), _plain(few))
    threading.Thread(target=_draw, args=(curve, few, desk, desk.opened), daemon=True).start()
    return curve


def _draw(curve: Curve, rows: pa.Table, desk: Desk, opened: int) -> None:
    """Add point after point, until something else is opened."""
    from isthmus.compression import compress, decompress
    from isthmus.data.sources import open_table

    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "rows.isz"
            for tolerance in TOLERANCES:
                if desk.opened != opened:
                    break
                compress(rows, path, tolerance=tolerance, budget=SECONDS)
                size = path.stat().st_size
                error = _error(rows, open_table(decompress(path)).columns) if tolerance else 0.0
                bits = 8 * size / max(curve.rows, 1)
                curve.points.append({"tolerance": tolerance, "bytes": size, "bits": bits, "error": error})
    except IsthmusError as error:
        curve.fault = str(error)
    finally:
        curve.running = False


def _plain(rows: pa.Table) -> dict[str, int]:
    """Give bytes of the table as Parquet with zstd writes it: what it is to be compared with."""
    held = pa.BufferOutputStream()
    pq.write_table(rows, held, compression="zstd", compression_level=19)
    return {"Parquet + zstd": held.getvalue().size}


def _error(rows: pa.Table, again: pa.Table) -> float:
    """Give the root mean square error of numbers, in standard deviations of their columns."""
    found = []
    for name in rows.column_names:
        kind = rows[name].type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            continue
        true, near = (np.asarray(each[name].to_numpy(), np.float64) for each in (rows, again))
        if (spread := float(np.nanstd(true))) > 0:
            found.append(float(np.nanmean(np.square((true - near) / spread))))
    return float(np.sqrt(np.mean(found))) if found else 0.0


def _pictured(sent: bytes, perceptual: bool) -> dict[str, Any]:
    from isthmus.tasks.images import compress_image, decompress_image

    pixels = picture_of(sent)
    if pixels.shape[0] * pixels.shape[1] > LARGEST:
        raise UsageError(
            f"{pixels.shape[1]:,} x {pixels.shape[0]:,} pixels: at most {LARGEST:,} here; `isthmus compress` takes more"
        )
    points = []
    for quality in QUALITIES:
        facts, blocks = compress_image(pixels, quality, perceptual)
        size, again = sum(map(len, blocks)), decompress_image(facts, blocks)
        point = {"quality": quality, "bytes": size, "psnr": psnr(pixels, again), "picture": as_url(again)}
        points.append(point | {"jpeg": _jpeg(pixels, size)})
    rows, columns = pixels.shape[:2]
    return {"rows": rows, "columns": columns, "raw": pixels.size, "picture": as_url(pixels), "points": points}


def _jpeg(pixels: npt.NDArray[np.uint8], most: int) -> dict[str, Any] | None:
    """Write the best JPEG of at most so many bytes; None where there is none."""
    from PIL import Image

    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    best = None
    low, high = 1, 95
    while low <= high:
        middle, held = (low + high) // 2, io.BytesIO()
        picture.save(held, "JPEG", quality=middle, optimize=True)
        if held.tell() <= most:
            best, low = held, middle + 1
        else:
            high = middle - 1
    if best is None:
        return None
    again = np.asarray(Image.open(best), np.uint8).reshape(pixels.shape)
    return {"bytes": best.tell(), "psnr": psnr(pixels, again), "picture": as_url(again)}
