"""The OpenAPI document: what FastAPI finds, and what the stages may answer for any route."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from b25.api.answers import DESCRIPTIONS, ProblemBody
from b25.api.doors import PUBLIC, every_route, permission_of
from b25.api.problems import MEDIA

ANY: Final = (400, 408, 421, 429, 500, 503, 504)
UNSAFE: Final = (403, 409, 413, 415)
DESCRIPTION: Final = (
    "The door of b25 for people and programs. Prices, quantities and money are decimals as text, times whole nanoseconds "
    "since 1970 (`_ns`); what is not known is null. Every answer has X-Request-ID; every problem is application/problem+json "
    "with a code. A write takes an Idempotency-Key: asked again within a day with the same key it is answered again, and not "
    "done again."
)
SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token, or a service token."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 8, "maxLength": 128, "pattern": "^[!-~]{8,128}$"},
    "description": "New for each thing that you want done, the same when you ask for it again.",
}


def install_openapi(app: FastAPI) -> None:
    """Have the application tell the document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    told = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
    parts = told.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    schemas["ProblemBody"] = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    parts["securitySchemes"] = SECURITY
    for path, route in every_route(app):
        for method in route.methods or ():
            operation = told["paths"].get(path.replace(":path}", "}"), {}).get(method.lower())
            if operation is not None:
                _complete(operation, method, permission_of(route))
    return told


def _complete(operation: dict[str, Any], method: str, permission: str) -> None:
    """Add to an operation what comes of its door and of the stages."""
    statuses = [*ANY, *(UNSAFE if method != "GET" else ())]
    if permission != PUBLIC:
        statuses += [401, 403]
        operation["security"] = [{name: []} for name in SECURITY]
        operation["x-permission"] = str(permission)
    answers = operation["responses"]
    if "422" in answers or operation.get("parameters") or operation.get("requestBody"):
        statuses.append(422)
        answers.pop("422", None)
    for status in statuses:
        made = {"description": DESCRIPTIONS[status], "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}}
        held = answers.setdefault(str(status), made)
        held.setdefault("content", {}).setdefault(MEDIA, made["content"][MEDIA])  # type: ignore[index]
    for status, held in answers.items():  # a problem is never application/json
        if int(status) >= 400 and held.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "").endswith(
            "/ProblemBody"
        ):
            held["content"].pop("application/json")
    if method != "GET":
        operation.setdefault("parameters", []).append(KEY)
