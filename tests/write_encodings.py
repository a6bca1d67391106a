"""Write the table of encodings into docs/panoptic-ids.md from the registry; test_codecs.py compares the two."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from panomask.panoptic import codecs

PAGE = Path(__file__).parents[1] / "docs" / "panoptic-ids.md"
SECTION = re.compile(r"(?<=<!-- encodings -->\n).*?(?=<!-- /encodings -->)", re.DOTALL)


def formula(codec: Any) -> str:
    """How a code is made, in a few words."""
    if isinstance(codec, codecs.SegmentCodec):
        return "segment id"
    if isinstance(codec, codecs.CategoryCodec):
        return "category"
    if isinstance(codec, codecs.FieldCodec):
        return "category and instance in bits" if codec.channels == 1 else "category and instance in channels"
    high, low = ("category", "instance") if codec.major == "category" else ("instance", "category")
    bare = f"; below {codec.bare_below} category" if codec.bare_below else ""
    least = codec.bare_below * codec.divisor
    parts = f"; from {least} that * {codec.part_divisor} + part" if codec.part_divisor else ""
    return f"{high} * {codec.divisor} + {low}{bare}{parts}"


def row(name: str) -> str:
    """One line of the table."""
    codec = codecs.get(name)
    dtype = codec.dtype if codec.channels == 1 else f"{codec.channels} x {codec.dtype}"
    void = "" if codec.void is None else codec.void
    instance = "" if codec.limits[1] is None else codec.limits[1]
    first = codec.first_instance if codec.limits[1] is not None or codec.fields == ("segment",) else ""
    url, _, path = codec.source.partition(" ")
    source = f"[{path or 'repository'}]({url})" if url else ""
    return (
        f"| `{name}` | {dtype} | {formula(codec)} | {void} | {first} | {codec.limits[0]} | {instance} | {codec.note} | "
        f"{source} |\n"
    )


def table() -> str:
    """The whole of it."""
    head = ["name", "code", "made of", "void", "first", "largest category or segment", "largest instance", "what it is"]
    columns = " | ".join([*head, "source"])
    return f"| {columns} |\n" + "| --- " * 9 + "|\n" + "".join(map(row, codecs.names()))


def main() -> None:
    """Write it."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(SECTION.sub(lambda _: table(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
