"""What a model reads of a tool: an endpoint's name, types and docstring as JSON schemas. Calls nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradio.data_classes import FileData
from gradio.utils import get_function_description
from mcp.types import Tool as Description
from mcp.types import ToolAnnotations
from pydantic import ConfigDict, Field, TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict

from emotion.errors import ConfigError
from emotion.ui.mcp_tools.files import HOW

# Those that leave nothing behind; a client may call them without asking its user.
READING = ("predict", "run_status", "runs", "picture_sets")
# What is no object is wrapped in one: structured content has to be.
RESULT = "result"


@dataclass(frozen=True)
class Tool:
    """An endpoint as a tool: what it is called, what it does, and how it is described."""

    name: str
    function: Callable[..., Any]
    description: Description

    def files(self) -> list[str]:
        """Return the names of the parameters that take a file."""
        return [name for name, each in _parameters(self.function).items() if each.annotation is FileData]

    def check_names(self, arguments: dict[str, Any]) -> None:
        """Let pass arguments of which none is missing and none is strange; their types are the endpoint's to check.

        Raises:
            ConfigError: one is.
        """
        known = _parameters(self.function)
        missing = [name for name, each in known.items() if each.default is each.empty and name not in arguments]
        strange = [name for name in arguments if name not in known]
        if missing or strange:
            wrong = f"lacks {', '.join(missing)}" if missing else f"does not know {', '.join(strange)[:100]}"
            raise ConfigError(f"{self.name} {wrong}: it takes {', '.join(known) or 'nothing'}.")

    def structured(self, answer: Any) -> dict[str, Any]:
        """Return an answer as the output schema has it."""
        return answer if isinstance(answer, dict) else {RESULT: answer}


def tool_of(name: str, function: Callable[..., Any]) -> Tool:
    """Return the tool that a typed endpoint makes."""
    text, texts, _ = get_function_description(function)
    description = Description(
        name=name,
        description=text,
        inputSchema=_input_schema(name, function, texts),
        outputSchema=_output_schema(inspect.signature(function).return_annotation),
        annotations=ToolAnnotations(
            title=name.replace("_", " ").capitalize(),
            readOnlyHint=name in READING,
            destructiveHint=False,
            idempotentHint=name in READING or name == "stop",
            # A file may be fetched from the web.
            openWorldHint=any(each.annotation is FileData for each in _parameters(function).values()),
        ),
    )
    return Tool(name, function, description)


class _Untitled(GenerateJsonSchema):
    """A schema without a title for each field, which would say the name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _input_schema(name: str, function: Callable[..., Any], texts: dict[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for each in _parameters(function).values():
        is_file, said = each.annotation is FileData, texts.get(each.name, "")
        default = ... if each.default is each.empty else each.default
        fields[each.name] = (
            str if is_file else each.annotation,
            Field(default, description=f"{said} {HOW}" if is_file else said),
        )
    model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    schema: dict[str, Any] = model.model_json_schema(schema_generator=_Untitled)
    return schema


def _output_schema(returned: Any) -> dict[str, Any]:
    schema = TypeAdapter(returned).json_schema(schema_generator=_Untitled)
    if schema.get("type") == "object":
        return schema
    wrapped = TypedDict("Answer", {RESULT: returned})  # type: ignore[misc]  # its only field is the type itself
    return TypeAdapter(wrapped).json_schema(schema_generator=_Untitled)


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)
