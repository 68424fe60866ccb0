"""``serve``: a model's jobs over HTTP."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.search import place
from isthmus.cli.words import whole, word
from isthmus.errors import UsageError


def serve(
    model: options.Model,
    index: Annotated[
        Path | str | None,
        word("--index", metavar="INDEX", type=place, help="what `isthmus index` wrote, to be searched"),
    ] = None,
    host: Annotated[str, word("--host", metavar="ADDRESS", help="where to listen; 127.0.0.1")] = "127.0.0.1",
    port: Annotated[int, word("--port", metavar="N", type=whole(0, 65535), help="8000; 0 takes a free one")] = 8000,
    key_file: Annotated[
        Path | None,
        word("--key-file", metavar="FILE", type=Path, help="the key that requests must carry; or set ISTHMUS_KEY"),
    ] = None,
    rows: Annotated[int, word("--rows", metavar="N", type=whole(1), help="most of one request; 10000")] = 10_000,
    megabytes: Annotated[int, word("--megabytes", metavar="N", type=whole(1), help="most of one request; 16")] = 16,
    seconds: Annotated[int, word("--seconds", metavar="N", type=whole(1), help="most for one request; 30")] = 30,
    waiting: Annotated[int, word("--waiting", metavar="N", type=whole(1), help="most requests that wait; 256")] = 256,
    threads: Annotated[int, word("--threads", metavar="N", type=whole(1), help="of one forward pass; 1")] = 1,
) -> None:
    """Serve a model's jobs over HTTP, to programs.

    Rows come and go as JSON or as Arrow streams; /openapi.json describes it all. Where others than this machine can
    reach it, requests must carry a key. SIGTERM ends it, when what was begun is done.

    For example:

      isthmus serve houses.isthmus
      isthmus serve houses.isthmus --index houses.index --port 9000
      isthmus serve houses.isthmus --host 0.0.0.0 --key-file key.txt
    """
    try:
        from isthmus.serve.launch import launch
        from isthmus.serve.limits import Limits
    except ModuleNotFoundError as error:
        raise UsageError(f"serving needs {error.name}: pip install 'isthmus[serve]'") from None
    limits = Limits(rows, megabytes << 20, seconds, waiting)
    launch(model, index, host=host, port=port, key_file=key_file, limits=limits, threads=threads)
