"""The OpenAPI document, made of the table of routes and the structs that check requests: it cannot drift. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from connectors.api import wire


class Param(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a route. place: path, query or header."""

    name: str
    place: str
    schema: dict[str, Any]
    required: bool = False
    explain: str


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One route. `scope` "" needs no key; `statuses`: problems that it may answer beside those of every route."""

    method: str
    path: str  #: below the base, as OpenAPI writes it
    name: str
    explain: str
    scope: str = ""
    params: tuple[Param, ...] = ()
    body: type | None = None
    answer: type | None = None
    status: int = 200
    statuses: tuple[int, ...] = ()


_TITLES = {
    400: "The request cannot be read.",
    401: "The key is missing, unknown or revoked.",
    403: "The key may not do this.",
    404: "There is no such thing, or it may not be seen.",
    409: "It cannot be done now; the detail says why.",
    413: "The request is too large.",
    415: "The body must be JSON.",
    422: "A field is not as documented; the detail names it.",
    429: "Too many requests; Retry-After says when to come back.",
    503: "It was not kept; send it again.",
}


def document(base: str, operations: Iterable[Operation], server: str) -> dict[str, Any]:
    """OpenAPI 3.1. `base` is the path that all routes begin with."""
    operations = tuple(operations)
    types = [t for o in operations for t in (o.body, o.answer) if t is not None]
    schemas, components = msgspec.json.schema_components(
        [*types, wire.Problem], ref_template="#/components/schemas/{name}"
    )
    known = dict(zip([*types, wire.Problem], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Deskgate",
            "version": "1",
            "description": "Messages of people in, tickets and what was said on them out, and the verbs of the desk.",
        },
        "servers": [{"url": f"{server}{base}"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "deskgate api-keys add"}
            },
        },
    }


def _operation(operation: Operation, known: dict[type, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {
        str(operation.status): {
            "description": "Done.",
            **(
                {"content": {"application/json": {"schema": known[operation.answer]}}}
                if operation.answer
                else {}
            ),
        }
    }
    statuses = [
        *operation.statuses,
        *((401, 403, 429) if operation.scope else ()),
        *((503,) if operation.body else ()),
    ]
    if operation.body:
        statuses += [400, 413, 415, 422]
    elif operation.params:
        statuses += [422]
    for status in sorted(set(statuses)):
        problem = {"application/problem+json": {"schema": known[wire.Problem]}}
        answers[str(status)] = {"description": _TITLES[status], "content": problem}
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.explain,
        "parameters": [_param(each) for each in operation.params],
        "responses": answers,
    }
    if operation.scope:
        made["security"] = [{"key": []}]
        made["description"] = f"Needs the scope `{operation.scope}`."
    if operation.body:
        made["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": known[operation.body]}},
        }
    return made


def _param(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "in": param.place,
        "required": param.required or param.place == "path",
        "schema": param.schema,
        "description": param.explain,
    }
