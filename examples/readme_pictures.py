"""Keep the tour's pictures for the README: `python examples/readme_pictures.py [FOLDER]`.

FOLDER is a finished tour; without one, the tour is taken first.
"""

import sys
import tempfile
from pathlib import Path

from isthmus.files import writing
from isthmus.report.demo import run

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"


def keep(tour: Path) -> None:
    """Copy every picture of a tour, each whole or not at all."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for picture in sorted(tour.glob("*.png")):
        with writing(PICTURES / picture.name) as temporary:
            temporary.write_bytes(picture.read_bytes())
        print(PICTURES / picture.name)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        keep(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            run(Path(folder), seed=0)
            keep(Path(folder))
