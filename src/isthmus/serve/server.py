"""The service: its addresses, what each reads and answers, and the description of all that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from isthmus import __version__
from isthmus.as_json import to_json
from isthmus.index import Index
from isthmus.model import Autoencoder
from isthmus.serve import words
from isthmus.serve.batcher import Batcher
from isthmus.serve.faults import RefusedError, add_faults
from isthmus.serve.gate import Gate
from isthmus.serve.jobs import JOBS, Job, Sample, Search, Served
from isthmus.serve.limits import Limits
from isthmus.serve.metrics import Measured, Meters
from isthmus.serve.rows import Rows
from isthmus.serve.worker import Asked, answer

JSON, ARROW = "application/json", "application/vnd.apache.arrow.stream"
FAULTS = {
    401: "The key is missing or wrong.",
    403: "Without a key, programs of this machine only are answered.",
    413: "Too many rows or bytes.",
    415: "The body is of another kind.",
    422: "What was sent cannot be used as it is.",
    503: "Too many requests wait already.",
    504: "It took too long.",
}
_FAULTY: dict[int | str, dict[str, Any]] = {
    status: {"model": words.Fault, "description": why} for status, why in FAULTS.items()
}
_ALWAYS: dict[int | str, dict[str, Any]] = {status: _FAULTY[status] for status in (401, 403)}


def create_app(
    model: Autoencoder,
    index: Index | None = None,
    *,
    limits: Limits | None = None,
    key: str | None = None,
    port: int = 0,
) -> FastAPI:
    """Make the service of a model.

    Parameters
    ----------
    model, index
        What is served; without an index there is no search.
    limits
        What is taken.
    key
        What requests must carry, if anything.
    port
        The port that it is to listen on.
    """
    limits = limits or Limits()
    served = Served(model, limits, Rows(model.schema_, list(model.missing)), index)
    jobs = [kind(served) for kind in JOBS if index is not None or kind is not Search]
    meters = Meters(lambda: batcher.waiting)

    def together(asked: list[Asked]) -> list[bytes | Exception]:
        meters.together.observe(len(asked))
        return answer(asked)

    batcher = Batcher(together, limits.waiting)  # type: ignore[arg-type]

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        yield
        await batcher.stop()

    about = "Jobs of one fitted model. Rows are sent and answered as JSON, or as Arrow streams."
    app = FastAPI(
        title="isthmus", version=__version__, description=about, docs_url=None, redoc_url=None, lifespan=living
    )
    row, rows, filled = words.row_types(served.rows.kinds)
    answers: dict[str, type[Any]] = {
        "encode": words.Coded,
        "outliers": words.Odd,
        "search": words.Found,
        "impute": filled,
    }
    for job in jobs:
        _add_job(app, job, batcher, limits, answers.get(job.name, rows))
    _add_facts(app, served, batcher, meters)
    add_faults(app)
    app.add_middleware(Measured, meters=meters, paths={route.path for route in app.routes})  # type: ignore[attr-defined]
    app.add_middleware(Gate, key=key, port=port)
    _describe(app, [row, words.Sampling, words.Decoding])
    return app


def _add_job(app: FastAPI, job: Job, batcher: Batcher, limits: Limits, told: type[words.Answer]) -> None:
    async def handle(request: Request, options: Annotated[job.options, Query()]) -> Response:  # type: ignore[name-defined]
        arrow = _kind(request.headers.get("content-type", ""))
        answer_arrow = _wanted(request.headers.get("accept", ""), arrow)
        try:
            async with asyncio.timeout(limits.seconds):
                asked = Asked(job, options, await limits.body(request), arrow, answer_arrow)
                content = await batcher.ask(asked.key, asked)
        except TimeoutError:
            raise RefusedError(504, f"it took more than {limits.seconds:g} seconds: send fewer rows") from None
        return Response(content, media_type=ARROW if answer_arrow else JSON)

    responses: dict[int | str, dict[str, Any]] = {
        200: {"model": told, "description": "Done.", "content": {ARROW: {"schema": _BINARY}}}
    }
    app.post(
        f"/{job.name}",
        summary=(type(job).__doc__ or "").strip(),
        responses=responses | _FAULTY,
        openapi_extra={"requestBody": _body(job, limits)},
        response_class=Response,
    )(handle)


_BINARY = {"type": "string", "format": "binary"}


def _body(job: Job, limits: Limits) -> dict[str, Any]:
    """Describe what a job reads."""
    kind = getattr(job, "body", None)
    ref = {"$ref": f"#/components/schemas/{'Row' if kind is None else kind.__name__}"}
    schema = {"type": "array", "items": ref, "minItems": 1, "maxItems": limits.rows} if kind is None else ref
    content: dict[str, Any] = {JSON: {"schema": schema}}
    if not isinstance(job, Sample):
        content[ARROW] = {"schema": _BINARY}
    return {"required": True, "content": content}


def _kind(content_type: str) -> bool:
    """Tell whether a body is Arrow; refuse what is neither that nor JSON."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (JSON, ARROW):
        raise RefusedError(415, f"content-type {kind or 'missing'}: send {JSON} or {ARROW}")
    return kind == ARROW


def _wanted(accept: str, sent: bool) -> bool:
    """Tell whether the answer is to be Arrow: as asked, or else as was sent."""
    kinds = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    return ARROW in kinds or (sent and JSON not in kinds)


def _add_facts(app: FastAPI, served: Served, batcher: Batcher, meters: Meters) -> None:
    model, limits = served.model, served.limits
    facts = {
        "isthmus": __version__,
        "code": model.net_.code.size,
        "variables": model.schema_.to_dict()["variables"],
        "limits": vars(limits),
    }

    @app.get("/schema", responses=_ALWAYS | {200: {"model": words.Told}}, response_class=Response)
    def schema() -> Response:
        """Columns of the model, and what they may hold."""
        return Response(to_json(facts), media_type=JSON)

    @app.get("/health")
    def health() -> words.Health:
        """Whether the service lives; and whether it is ready, which is no fault if it is not."""
        return words.Health(live=True, ready=not batcher.full)

    @app.get("/health/ready", responses={503: {"model": words.Health, "description": "Too many requests wait."}})
    def ready(response: Response) -> words.Health:
        """Whether another request would be taken now."""
        response.status_code = 503 if batcher.full else 200
        return words.Health(live=True, ready=not batcher.full)

    text = {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}

    @app.get("/metrics", responses=_ALWAYS | {200: text}, response_class=Response)
    def metrics() -> Response:
        """Tell what is counted."""
        return Response(meters.text(), media_type="text/plain; version=0.0.4")


def _describe(app: FastAPI, bodies: list[type[Any]]) -> None:
    """Let the description name the types of bodies, which are read by hand."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            told = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            known = told["components"]["schemas"]
            for kind in bodies:
                schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
                known |= schema.pop("$defs", {}) | {kind.__name__: schema}
            told["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            app.openapi_schema = told
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
