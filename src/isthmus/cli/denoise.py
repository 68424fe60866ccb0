"""``denoise``: pictures, sounds and sensor readings without their noise; and how a denoiser is fitted."""

from pathlib import Path
from typing import Annotated, Any

from isthmus.cli import options
from isthmus.cli.progress import shows_progress
from isthmus.cli.terminal import done
from isthmus.cli.words import several, switch, word
from isthmus.endings import PICTURE, PICTURES, SOUNDS, kind_of
from isthmus.errors import UsageError


@shows_progress()
def denoise(
    data: Annotated[
        list[Path],
        word(
            metavar="DATA",
            nargs="+",
            type=Path,
            help="a picture, a folder of pictures, a sound, or a table; before it, a MODEL of pictures",
        ),
    ],
    out: Annotated[Path, word("-o", "--out", metavar="OUT", type=Path, help="what to write, of the same kind as DATA")],
    self_: Annotated[bool, switch("--self", help="use nothing but DATA itself, not what was learnt of photos")] = False,
    level: Annotated[
        float | None,
        word("--level", metavar="L", type=float, help="the noise's standard deviation; of pictures, white is 255"),
    ] = None,
    noise: Annotated[
        str,
        word(
            "--noise",
            choices=("gaussian", "poisson", "salt"),
            help="alike everywhere, stronger where brighter, or single pixels black or white; gaussian",
        ),
    ] = "gaussian",
    hidden: Annotated[
        Path | None, word("--hidden", metavar="PNG", type=Path, help="a picture, white where DATA is to be filled")
    ] = None,
    thorough: Annotated[
        bool, switch("--thorough", help="use both what was learnt and DATA itself: better, some ten times slower")
    ] = False,
    columns: Annotated[
        list[str] | None, several("--columns", metavar="COL", help="of a table, the columns to clean")
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Take noise out of pictures, sounds and sensor readings.

    How strong it is is estimated. Pictures are cleaned by what was learnt of photographs, or by a MODEL that
    `isthmus fit FOLDER --corrupt gaussian:0-75` wrote; with --self, and for sounds and columns of numbers,
    each small part is rebuilt from those most like it in the very same data. Gaps in columns are filled.

    For example:

      isthmus denoise photo.png -o clean.png
      isthmus denoise --self scan.png -o clean.png
      isthmus denoise photo.png -o best.png --thorough
      isthmus denoise night.jpg -o clean.jpg --noise poisson
      isthmus denoise scratched.png -o whole.png --hidden scratches.png
      isthmus denoise microscope.isthmus cells/ -o clean/
      isthmus denoise sensors.csv -o smooth.csv --columns T1 T2
      isthmus denoise speech.wav -o clean.wav
    """
    if len(data) > 2 or (len(data) == 2 and self_):
        raise UsageError("name one DATA, and a MODEL before it where it is not the one for photos; --self takes none")
    source, model = data[-1], data[0] if len(data) == 2 else None
    check(source, out)
    from isthmus.denoising import SELF
    from isthmus.denoising import denoise as clean

    found = clean(
        source,
        out,
        model=SELF if self_ else model,
        level=level,
        noise=noise,
        hidden=hidden,
        columns=columns,
        thorough=thorough,
        verbose=not quiet,
    )
    told = [{"name": each.name, "level": each.level, "missing": each.missing} for each in found]
    done(f"wrote {out}: {_sentence(told)}", {"out": out, "noise": told}, quiet=quiet, as_json=json)


def check(source: Path, out: Path) -> None:
    """Refuse an OUT that is not of the kind of DATA.

    Examples
    --------
    >>> check(Path("a.png"), Path("b.csv"))
    Traceback (most recent call last):
    isthmus.errors.UsageError: 'b.csv': unknown extension; known are .png, .jpg, .jpeg, .bmp, .webp
    """
    if source.is_dir():
        return
    kind = kind_of(source)
    known = (*options.TABLES, ".npy") if kind is None else PICTURES if kind == PICTURE else SOUNDS
    options.check_out(out, known, inputs=[source])


def fit(
    folder: Path,
    out: Path,
    noise: str,
    others: dict[str, object],
    *,
    quiet: bool,
    json: bool,
    **settings: Any,
) -> None:
    """Fit a denoiser to a folder of clean pictures; `others` are options of other data, which must not be there."""
    for name, value in others.items():
        if value:
            raise UsageError(f"--{name} is not for denoisers; they take --corrupt, --budget, --seed, --resume")
    options.check_out(out)
    from isthmus.denoiser import Denoiser

    denoiser = Denoiser(noise, checkpoint=out.with_name(out.name + ".checkpoint"), verbose=not quiet, **settings)
    denoiser.fit(folder)
    denoiser.save(out)
    facts = denoiser.inspect()
    told = {name: facts[name] for name in ("pictures", "channels", "weights", "steps", "seconds")}
    sentence = f"wrote {out}: {learnt(facts)}"
    done(sentence, {"model": out, **told}, quiet=quiet, as_json=json)


def is_meant(data: Path, corrupt: list[str] | None) -> bool:
    """Tell whether DATA are pictures to learn to denoise: a folder or array of them, and a noise to corrupt them by."""
    kinds = ("gaussian", "poisson")
    named = corrupt is not None and all(part.partition(":")[0] in kinds for part in "+".join(corrupt).split("+"))
    return named and (data.is_dir() or data.suffix.lower() == ".npz")


def learnt(facts: dict[str, Any]) -> str:
    """Say what a denoiser was learnt from.

    >>> learnt({"channels": 3, "pictures": 40, "noises": [{"name": "gaussian", "low": 0, "high": 50}], "weights": 9000})
    'a denoiser of coloured pictures, learnt from 40 pictures with noise gaussian 0-50; 9,000 weights'
    """
    colour = "coloured" if facts["channels"] == 3 else "grey"
    noises = [
        f"{each['name']} " + "-".join(f"{v:g}" for k, v in each.items() if k != "name") for each in facts["noises"]
    ]
    return (
        f"a denoiser of {colour} pictures, learnt from {facts['pictures']:,} pictures with noise "
        f"{' and '.join(noises)}; {facts['weights']:,} weights"
    )


def _sentence(told: list[dict[str, Any]]) -> str:
    """Say what was found.

    >>> _sentence([{"name": "photo.png", "level": 24.83, "missing": 0.0}])
    'noise of standard deviation 24.8'
    """
    if len(told) == 1:
        gaps = f", {100 * told[0]['missing']:.1f} % filled" if told[0]["missing"] else ""
        return f"noise of standard deviation {told[0]['level']:.3g}{gaps}"
    if len(told) > 5:
        return f"{len(told):,} cleaned"
    return "noise of standard deviation " + ", ".join(f"{each['level']:.3g} in {each['name']}" for each in told)
