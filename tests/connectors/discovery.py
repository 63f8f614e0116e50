"""Google's discovery documents: what an answer of an API may hold, to keep our fakes and goldens from inventing fields.

Read from the shared specifications, or from google-api-python-client where that is installed beside.
"""

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
_KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}


def schemas(name: str) -> dict[str, Any]:
    """The schemas of an API such as "youtube.v3"; skips the test where the document is not at hand."""
    client = find_spec("googleapiclient")
    places = [SHARED / "specs", Path(os.environ.get("HEEDFUL_DISCOVERY", "/nonexistent"))]
    if client and client.origin:
        places.append(Path(client.origin).parent / "discovery_cache" / "documents")
    for place in places:
        if (path := place / f"{name}.json").is_file():
            found: dict[str, Any] = json.loads(path.read_text())["schemas"]
            return found
    pytest.skip(f"{name}.json is not there: pip install google-api-python-client, or set HEEDFUL_DISCOVERY")


def strangers(known: dict[str, Any], schema: dict[str, Any], value: Any, path: str = "") -> list[str]:
    """What in a value its schema does not know: fields, kinds of value, words of an enumeration."""
    schema = known[schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type", "any")
    if kind != "any" and not isinstance(value, _KINDS[kind]):
        return [f"{path}: {value!r} is no {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: {value!r} is not among {schema['enum']}"]
    if kind == "array":
        return [found for one in value for found in strangers(known, schema["items"], one, f"{path}[]")]
    if kind != "object" or "properties" not in schema:
        return []
    properties = schema["properties"]
    found = [f"{path}.{name} is invented" for name in value if name not in properties]
    shared = [name for name in value if name in properties]
    return found + [one for name in shared for one in strangers(known, properties[name], value[name], f"{path}.{name}")]
