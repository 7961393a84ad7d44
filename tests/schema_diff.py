#!/usr/bin/env python3
"""Prints how OpenRouter's API has changed since a schema document: its schemas against the models of the
official Python client.

    pip install openrouter==1.3.84
    python3 tests/schema_diff.py openapi.json [NAME …]

A line is a field or a word: `+` where the client alone has it, `-` where the document alone has it. NAMEs are
schemas, such as ChatRequest; without any, all schemas are compared that both have. It is no test: a new field
is work to be done, not a fault.
"""

import enum
import importlib
import json
import pkgutil
import sys
import typing

import openrouter.components as components


def models():
    """The client's classes and aliases, by name in lower case: the two differ in how they spell acronyms."""
    found = {}
    for module in pkgutil.iter_modules(components.__path__):
        content = vars(importlib.import_module(f"{components.__name__}.{module.name}"))
        for name, value in content.items():
            is_class = isinstance(value, type) and value.__module__.startswith(components.__name__)
            if is_class or typing.get_origin(value) in (typing.Union, typing.Literal):
                found.setdefault(name.lower(), value)
    return found


def fields(model):
    """The names of a model's fields on the wire."""
    return {field.alias or name for name, field in getattr(model, "model_fields", {}).items()}


def words(kind):
    """The words that a type allows."""
    if typing.get_origin(kind) is typing.Literal:
        return set(typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {member.value for member in kind}
    return set().union(*(words(part) for part in typing.get_args(kind))) if typing.get_args(kind) else set()


def properties(schema, schemas):
    """The properties of a schema, with those of what it is put together from."""
    if "$ref" in schema:
        return properties(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    own = set(schema.get("properties", {}))
    return own.union(*(properties(part, schemas) for part in schema.get("allOf", [])))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        schemas = json.load(file)["components"]["schemas"]
    known = models()
    wanted = sys.argv[2:] or sorted(schemas)
    compared = 0
    for name in wanted:
        schema, model = schemas.get(name, {}), known.get(name.lower())
        if model is None:
            continue
        ours, theirs = properties(schema, schemas), fields(model)
        if not (ours and theirs):
            ours, theirs = {word for word in schema.get("enum", []) if word is not None}, words(model)
        if not (ours and theirs):
            continue
        compared += 1
        for word in sorted(map(str, theirs - ours)):
            print(f"+ {name}.{word}")
        for word in sorted(map(str, ours - theirs)):
            print(f"- {name}.{word}")
    print(f"{compared} of {len(wanted)} schemas compared", file=sys.stderr)


if __name__ == "__main__":
    main()
