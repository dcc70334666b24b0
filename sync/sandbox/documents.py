"""Turn wiki text into an Atlassian Document and back, for the two REST versions of Cloud."""

from __future__ import annotations

from typing import Any

from sync.sandbox.defaults import JsonObject


def to_document(text: str) -> JsonObject:
    """One paragraph a line; wiki marks stay as they were typed."""
    return {"type": "doc", "version": 1, "content": [_paragraph(line) for line in text.splitlines()]}


def to_text(document: JsonObject) -> str:
    """The words of a document, one line for each of its blocks."""
    return "\n".join(_words(block) for block in document.get("content", []))


def is_document(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") == "doc"


def as_version(value: Any, version: str) -> Any:
    """A rich-text value as REST version 2 (text) or 3 (document) tells it; anything else unchanged."""
    if version == "3" and isinstance(value, str):
        return to_document(value)
    if version == "2" and is_document(value):
        return to_text(value)
    return value


def _paragraph(line: str) -> JsonObject:
    return {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}


def _words(node: JsonObject) -> str:
    if node.get("type") == "hardBreak":
        return "\n"
    inner = "".join(_words(child) for child in node.get("content", []))
    return str(node.get("text", "")) + inner
