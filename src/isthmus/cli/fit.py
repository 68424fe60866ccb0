"""``schema`` and ``fit``: from a table, or activations, to a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from isthmus.cli import activations, denoise, diffusion, options, parts, pictures
from isthmus.cli import series as of_series
from isthmus.cli.progress import shows_progress
from isthmus.cli.terminal import done, print_rows, say
from isthmus.cli.words import several, switch, whole, word
from isthmus.errors import DataError, FileError, UsageError

if TYPE_CHECKING:
    from isthmus.data.schema import Schema

CODE_HELP = (
    "dense:16, gaussian:16, sparse:256:k=16, quantized:8:levels=8, or a number; by default by the table; "
    "of activations sparse:16x:k=32, topk, matryoshka, relu, jumprelu, gated, or several after commas"
)


def _read_schema(path: Path) -> "Schema":
    """Read a schema file by its extension."""
    from isthmus.data.schema import Schema

    readers = {".toml": Schema.from_toml, ".json": Schema.from_json}
    read = readers.get(path.suffix.lower())
    if read is None:
        raise UsageError(f"'{path}': unknown extension; a schema is .toml or .json")
    try:
        return read(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise FileError(f"'{path}' is no text in UTF-8") from None
    except OSError as error:
        raise FileError(f"'{path}' cannot be read: {error.strerror}") from None
    except DataError as error:
        raise FileError(f"'{path}': {error}") from None


def schema(
    data: options.Data,
    out: Annotated[Path | None, word("-o", "--out", metavar="OUT", type=Path, help="write it: .toml or .json")] = None,
    columns: options.Columns = None,
    drop: options.Drop = None,
    missing: options.Missing = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Show how a table's columns are understood.

    A column is boolean, a category, a count, a number, a moment (date or time) or text, which is
    carried along and never coded. With -o that is written down: edit it and give it to
    `isthmus fit --schema`.

    For example:

      isthmus schema houses.csv
      isthmus schema houses.csv -o schema.toml
      isthmus fit houses.csv --schema schema.toml -o houses.isthmus
    """
    from isthmus.data.schema import Schema
    from isthmus.data.sources import open_table
    from isthmus.files import writing

    if out is not None:
        options.check_out(out, (".toml", ".json"), inputs=[data])
    learnt = Schema.learn(open_table(data, missing=tuple(missing or ())), drop=tuple(drop or ()), columns=columns)
    if not quiet:
        for note in learnt.notes:
            say(note)
    if out is not None:
        text = learnt.to_toml() if out.suffix.lower() == ".toml" else learnt.to_json()
        with writing(out) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if json or out is not None:
        found = f"wrote {out}: {len(learnt.coded)} columns to code, {len(learnt.carried)} carried along"
        done(found, learnt.to_dict(), quiet=quiet, as_json=json)
    else:
        print_rows(learnt.describe())


@shows_progress(trains=True)
def fit(
    data: options.Rows,
    out: Annotated[
        Path, word("-o", "--out", metavar="MODEL", type=Path, help="the model file to write, e.g. m.isthmus")
    ],
    code: Annotated[str | None, word("--code", metavar="CODE", help=CODE_HELP)] = None,
    target: Annotated[
        Path | None,
        word("--target", metavar="ACTS", type=Path, help="predict this other layer's activations (a transcoder)"),
    ] = None,
    condition: Annotated[
        list[str] | None,
        several("--condition", metavar="COL", help="give these columns to the decoder as well"),
    ] = None,
    corrupt: Annotated[
        list[str] | None,
        several(
            "--corrupt",
            metavar="KIND",
            help="auto, none, mask, noise:0.1-0.5, or mask and noise; of pictures gaussian:0-75, poisson, diffusion; "
            "of speech background[:NOISES]",
        ),
    ] = None,
    prior: Annotated[
        str | None,
        word("--prior", metavar="KIND", help="normal, or learnt: what sample draws codes from, without masks"),
    ] = None,
    columns: options.Columns = None,
    drop: options.Drop = None,
    schema: Annotated[
        Path | None,
        word("--schema", metavar="FILE", type=Path, help="column kinds as `isthmus schema` writes them"),
    ] = None,
    missing: options.Missing = None,
    epochs: Annotated[int | None, word("--epochs", metavar="N", type=whole(1), help="passes over the data")] = None,
    budget: Annotated[str | None, word("--budget", metavar="TIME", help="time to train, such as 60s or 2min")] = None,
    seed: options.Seed = 0,
    resume: Annotated[bool, switch("--resume", help="go on where an interrupted fit stopped")] = False,
    device: Annotated[
        str, word("--device", metavar="NAME", help="cpu, cuda or mps; by default the best there is")
    ] = "auto",
    memory: options.Memory = None,
    engine: options.Engine = None,
    workers: options.Workers = None,
    address: options.Address = None,
    series: Annotated[
        bool, switch("--series", help="rows are in the order of time: learn what is usual around each")
    ] = False,
    dp_epsilon: Annotated[
        float | None,
        word("--dp-epsilon", metavar="E", type=float, help="differential privacy of the model; needs --schema"),
    ] = None,
    dp_delta: Annotated[
        float | None,
        word("--dp-delta", metavar="D", type=float, help="its delta; by default at most a tenth of one over the rows"),
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Fit one model to a table, or a sparse autoencoder to activations.

    Column kinds are found by themselves (see `isthmus schema`). Checkpoints go to
    MODEL.checkpoint while training and are removed at the end. A table that does not fit into memory, or a
    folder of tables, is learnt from in parts. Activations are a folder that
    `isthmus lm harvest` wrote, or an array (.npy) with a code such as sparse:16x:k=32. Of a folder of
    pictures or sounds, small patches are learnt from; pictures of one size with a code such as gaussian:16
    are coded whole; with --corrupt gaussian:0-75 and no code, a denoiser is learnt (see `isthmus denoise`),
    of clean speech with --corrupt background, or background:NOISES/ where noise was recorded;
    with --corrupt diffusion, to make pictures (see `isthmus sample`). With --series, rows are moments, and
    what is learnt is what each is like between those before and after (see `isthmus outliers`). With
    --dp-epsilon, a table's model is differentially private: what its schema says counts as public, and has
    to be given.

    For example:

      isthmus fit houses.csv -o houses.isthmus
      isthmus fit houses.csv -o houses.isthmus --code 16 --budget 60s --drop id
      isthmus fit adult.parquet -o adult.isthmus --condition sex --missing -999
      isthmus fit houses.csv -o vae.isthmus --code gaussian --prior learnt
      isthmus fit houses.csv -o houses.isthmus --resume
      isthmus fit sales/ -o sales.isthmus --memory 2GB --budget 10min
      isthmus fit sales/ -o sales.isthmus --engine ray --workers 8 --address auto
      isthmus fit acts/ -o sae.isthmus --code sparse:16x:k=32
      isthmus fit pictures/ -o denoiser.isthmus --corrupt gaussian:0-75 poisson --budget 20min
      isthmus fit voices/ -o voices.isthmus --corrupt background:noises/ --budget 30min
      isthmus fit digits/ -o vae.isthmus --code gaussian:16 --condition label
      isthmus fit digits/ -o digits.isthmus --corrupt diffusion --budget 30min
      isthmus fit faces/ -o faces.isthmus --corrupt diffusion --code 4 --budget 2h
      isthmus fit sensors.csv -o sensors.isthmus --series
      isthmus fit acts/ -o sweep/ --code sparse:16x:k=16,sparse:16x:k=64
      isthmus fit patients.csv -o patients.isthmus --schema schema.toml --dp-epsilon 3
    """
    hidden = {"dp-epsilon": dp_epsilon, "dp-delta": dp_delta}
    if series:
        refused: dict[str, object] = {"code": code, "target": target, "condition": condition, "corrupt": corrupt}
        refused |= {"prior": prior, "drop": drop, "schema": schema, "resume": resume, "memory": memory}
        refused |= {"engine": engine, "workers": workers, "address": address, **hidden}
        learnt = {"columns": columns, "missing": tuple(missing or ()), "epochs": epochs, "budget": budget}
        where = {"seed": seed, "device": device}
        return of_series.fit(options.on_disk(data), out, refused, quiet=quiet, json=json, **learnt, **where)
    way = parts.Way(memory, engine, workers, address)
    if isinstance(data, str):
        if target is not None or corrupt == ["diffusion"]:
            options.on_disk(data)
    elif (code is None and denoise.is_meant(data, corrupt)) or corrupt == ["diffusion"]:
        wrong: dict[str, object] = {"target": target, "condition": condition, "prior": prior}
        wrong |= {"columns": columns, "drop": drop, "schema": schema, "missing": missing, "epochs": epochs}
        wrong |= {"memory": memory, "engine": engine, **hidden}
        asked = {"budget": budget, "seed": seed, "resume": resume, "device": device}
        if corrupt == ["diffusion"]:
            return diffusion.fit(data, out, code, wrong, quiet=quiet, json=json, **asked)
        return denoise.fit(data, out, "+".join(corrupt or ()), wrong, quiet=quiet, json=json, **asked)
    elif pictures.is_meant(data, code):
        wrong = {"target": target, "prior": prior, "columns": columns, "drop": drop, "schema": schema}
        wrong |= {"missing": missing, "epochs": epochs, "memory": memory, "engine": engine, **hidden}
        asked = {"budget": budget, "seed": seed, "resume": resume, "device": device}
        return pictures.fit(data, out, code, condition, corrupt, wrong, quiet=quiet, json=json, **asked)
    elif activations.are_meant(data, code):
        others: dict[str, object] = {"condition": condition, "corrupt": corrupt, "prior": prior, "columns": columns}
        others |= {"drop": drop, "schema": schema, "missing": missing, "memory": memory, "engine": engine, **hidden}
        settings = {"epochs": epochs, "budget": budget, "seed": seed, "resume": resume, "device": device}
        return activations.fit(data, out, code, target, others, quiet=quiet, json=json, **settings)
    if target is not None:
        raise UsageError("--target is for activations: DATA must be a folder that `isthmus lm harvest` wrote, or .npy")
    options.check_out(out, inputs=[data])
    from isthmus import Autoencoder

    declared, state = tuple(missing or ()), out.with_name(out.name + ".checkpoint")
    opened, private = way.table(data, declared), dp_epsilon is not None
    model = Autoencoder(
        code=int(code) if code and code.isdecimal() else code,
        condition=tuple(condition or ()),
        corruption="+".join(corrupt) if corrupt else "auto",
        prior=prior,
        columns=columns,
        drop=tuple(drop or ()),
        schema=_read_schema(schema) if schema else None,
        missing=declared,
        epochs=epochs,
        budget=budget,
        seed=seed,
        device=device,
        checkpoint=None if private and not resume else state,
        resume=resume,
        engine=None if engine is None else way.where(state),
        dp_epsilon=dp_epsilon,
        dp_delta=dp_delta,
        verbose=not quiet,
    ).fit(data if opened is None else opened)
    model.save(out)
    if state.is_dir():  # what several machines saw is gone from it
        state.rmdir()
    facts = model.inspect()
    result = {"model": out, **{key: facts[key] for key in ("rows", "code", "weights", "seconds")}}
    sentence = f"wrote {out}; see how well each column survives: isthmus inspect {out}"
    done(sentence, result, quiet=quiet, as_json=json)
