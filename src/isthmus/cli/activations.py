"""``fit`` on activations: sparse autoencoders, one or several on one pass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isthmus.cli import options
from isthmus.cli.terminal import done, say
from isthmus.endings import media_in
from isthmus.errors import UsageError

DEFAULT = "sparse:16x:k=32"
KINDS = ("sparse", "topk", "matryoshka", "relu", "jumprelu", "gated")


def are_meant(data: Path, code: str | None) -> bool:
    """Tell whether DATA are activations: a folder of them or of media, or an array with a code for them only.

    Examples
    --------
    >>> are_meant(Path("acts.npy"), "sparse:16x:k=32"), are_meant(Path("table.npy"), "sparse:256:k=16")
    (True, False)
    """
    if data.is_dir():
        return (data / "activations.json").is_file() or next(media_in(data), None) is not None
    name, _, rest = (code or "").partition(":")
    times = rest.partition(":")[0].endswith("x")
    return data.suffix.lower() == ".npy" and name in KINDS and (times or name != "sparse")


def fit(
    data: Path,
    out: Path,
    code: str | None,
    target: Path | None,
    others: Mapping[str, Any],
    *,
    quiet: bool,
    json: bool,
    **settings: Any,
) -> None:
    """Fit sparse autoencoders; `others` are options of tables, which must not be there, `settings` the estimator's."""
    for name, value in others.items():
        if value:
            raise UsageError(f"--{name} is for tables; activations take --code, --target, --epochs, --budget, --seed")
    codes = (code or DEFAULT).split(",")
    from isthmus.sparse import SparseAutoencoder

    if len(codes) == 1:
        options.check_out(out)
        checkpoint = out.with_name(out.name + ".checkpoint")
        sae = SparseAutoencoder(codes[0], checkpoint=checkpoint, verbose=not quiet, **settings)
        rows, more = _opened(data)
        sae.fit(rows, target=target)
        sae.facts_ |= more
        sae.save(out)
        facts = sae.inspect()
        told = {name: facts[name] for name in ("code", "rows", "features", "explained", "l0", "dead", "seconds")}
        done(f"wrote {out}: {sentence(facts)}", {"model": out, **told}, quiet=quiet, as_json=json)
        return
    sweep(data, out, codes, target, quiet=quiet, json=json, **settings)


def sweep(
    data: Path, out: Path, codes: list[str], target: Path | None, *, quiet: bool, json: bool, **settings: Any
) -> None:
    """Fit one autoencoder a code on one pass, into a folder, with the picture of what each keeps."""
    from isthmus.report.pareto import pareto_picture
    from isthmus.sparse import SparseAutoencoder, fit_together

    if settings.pop("resume"):
        raise UsageError("--resume is for one code; several are fitted together and start anew")
    if out.exists() and not out.is_dir():
        raise UsageError(f"'{out}' is a file; several codes are written to a folder")
    saes = [SparseAutoencoder(code, verbose=not quiet, **settings) for code in codes]
    rows, more = _opened(data)
    fit_together(saes, rows, target=target)
    out.mkdir(exist_ok=True)
    told = []
    for sae in saes:
        sae.facts_ |= more
        path = out / (str(sae.net.kind).replace(":", "-").replace("=", "") + ".isthmus")
        sae.save(path)
        facts = sae.inspect()
        if not quiet and not json:
            say(f"wrote {path}: {sentence(facts)}")
        told.append({"model": path} | {name: facts[name] for name in ("code", "explained", "l0", "dead")})
    points = [{"name": sae.net.kind.name} | {name: sae.facts_[name] for name in ("l0", "explained")} for sae in saes]
    pareto_picture(points, out / "pareto.png")
    done(f"wrote {out / 'pareto.png'}", {"models": told, "picture": out / "pareto.png"}, quiet=quiet, as_json=json)


def _opened(data: Path) -> tuple[Any, dict[str, Any]]:
    """Read patches where DATA is a folder of pictures or sounds; activations are opened as they are."""
    if not data.is_dir() or (data / "activations.json").is_file():
        return data, {}
    from isthmus.data.patches import read_patches

    return read_patches(data)


def sentence(facts: Mapping[str, Any]) -> str:
    """Say what a sparse autoencoder is worth.

    Examples
    --------
    >>> sentence({"features": 4096, "l0": 32.04, "explained": 0.8612, "dead": 0.0})
    '4,096 features, 32.0 active a row explain 86.1 % of the variance; 0.0 % dead'
    """
    return (
        f"{facts['features']:,} features, {facts['l0']:.1f} active a row explain {100 * facts['explained']:.1f} % "
        f"of the variance; {100 * facts['dead']:.1f} % dead"
    )
