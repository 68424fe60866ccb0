"""``denoise``: pictures, sounds and sensor readings without their noise; and how a denoiser is fitted."""

from pathlib import Path
from typing import Annotated, Any

from isthmus.cli import options
from isthmus.cli.progress import shows_progress
from isthmus.cli.terminal import done
from isthmus.cli.words import several, switch, word
from isthmus.endings import PICTURE, PICTURES, SOUNDS, kind_of
from isthmus.errors import UsageError

BACKGROUND = "background"
"""What speech is corrupted by; after a colon, a folder of recorded noise."""


@shows_progress()
def denoise(
    data: Annotated[
        list[Path],
        word(
            metavar="DATA",
            nargs="+",
            type=Path,
            help="a picture, a folder of pictures, a sound, or a table; before it, a MODEL of pictures or of speech",
        ),
    ],
    out: Annotated[Path, word("-o", "--out", metavar="OUT", type=Path, help="what to write, of the same kind as DATA")],
    self_: Annotated[
        bool, switch("--self", help="use nothing but DATA itself, not what was learnt of photos or speech")
    ] = False,
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
        bool, switch("--thorough", help="use both what was learnt and DATA itself: better, some fifteen times slower")
    ] = False,
    columns: Annotated[
        list[str] | None, several("--columns", metavar="COL", help="of a table, the columns to clean")
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Take noise out of pictures, sounds and sensor readings.

    How strong it is is estimated. Pictures are cleaned by what was learnt of photographs, or by a MODEL that
    `isthmus fit FOLDER --corrupt gaussian:0-75` wrote; files of sound by what was learnt of speech, at any rate,
    each channel by itself. With --self, for columns of numbers, and where nobody speaks or --level is given, each
    small part is rebuilt from those most like it in the very same data: so clean music. Gaps in columns are filled.

    For example:

      isthmus denoise photo.png -o clean.png
      isthmus denoise --self scan.png -o clean.png
      isthmus denoise photo.png -o best.png --thorough
      isthmus denoise night.jpg -o clean.jpg --noise poisson
      isthmus denoise scratched.png -o whole.png --hidden scratches.png
      isthmus denoise microscope.isthmus cells/ -o clean/
      isthmus denoise sensors.csv -o smooth.csv --columns T1 T2
      isthmus denoise recording.wav -o clean.wav
      isthmus denoise --self flute.wav -o clean.wav
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
    told = [{"name": each.name, "level": each.level, "missing": each.missing, "by": each.by} for each in found]
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
    """Fit a denoiser to clean pictures, or speech; `others` are options of other data, which must not be there."""
    for name, value in others.items():
        if value:
            raise UsageError(f"--{name} is not for denoisers; they take --corrupt, --budget, --seed, --resume")
    options.check_out(out)
    from isthmus.denoiser import Denoiser
    from isthmus.speech import SpeechDenoiser

    settings |= {"checkpoint": out.with_name(out.name + ".checkpoint"), "verbose": not quiet}
    kind, _, noises = noise.partition(":")
    denoiser: Denoiser | SpeechDenoiser
    if kind == BACKGROUND:
        denoiser = SpeechDenoiser(**settings).fit(folder, noises=noises or None)
    else:
        denoiser = Denoiser(noise, **settings).fit(folder)
    denoiser.save(out)
    facts = denoiser.inspect()
    say, own = (heard, ("recordings", "noises")) if kind == BACKGROUND else (learnt, ("pictures", "channels"))
    told = {name: facts[name] for name in (*own, "weights", "steps", "seconds")}
    sentence = f"wrote {out}: {say(facts)}"
    done(sentence, {"model": out, **told}, quiet=quiet, as_json=json)


def is_meant(data: Path, corrupt: list[str] | None) -> bool:
    """Tell whether DATA are pictures or speech to learn to denoise: a folder or array, and a noise to corrupt it by."""
    if corrupt is not None and corrupt[0].partition(":")[0] == BACKGROUND:
        return data.is_dir()
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


def heard(facts: dict[str, Any]) -> str:
    """Say what a denoiser of speech was learnt from.

    >>> heard({"recordings": 800, "noises": 55, "weights": 9000})
    'a denoiser of speech, learnt from 800 recordings and 55 of noise; 9,000 weights'
    """
    return (
        f"a denoiser of speech, learnt from {facts['recordings']:,} recordings and {facts['noises']:,} of noise; "
        f"{facts['weights']:,} weights"
    )


def _sentence(told: list[dict[str, Any]]) -> str:
    """Say what was found.

    >>> _sentence([{"name": "photo.png", "level": 24.83, "missing": 0.0, "by": ""}])
    'noise of standard deviation 24.8'
    >>> _sentence([{"name": "a.wav", "level": 0.012, "missing": 0.0, "by": "speech"}])
    'noise of standard deviation 0.012, told from speech by what was learnt of it'
    """
    kinds = {each["by"] for each in told}
    by = _BY.get(kinds.pop(), "") if len(kinds) == 1 else ""
    if len(told) == 1:
        gaps = f", {100 * told[0]['missing']:.1f} % filled" if told[0]["missing"] else ""
        return f"noise of standard deviation {told[0]['level']:.3g}{gaps}{by}"
    if len(told) > 5:
        return f"{len(told):,} cleaned{by}"
    levels = ", ".join(f"{each['level']:.3g} in {each['name']}" for each in told)
    return f"noise of standard deviation {levels}{by}"


_BY = {
    "speech": ", told from speech by what was learnt of it",
    "self": ", told from the rest by the sound itself (no speech was asked for, or none heard)",
}
