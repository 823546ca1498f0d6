"""What became of each image: a file of lines of JSON."""

from __future__ import annotations

import json
from typing import Iterable, NamedTuple

from ._files import Folder

NAME = "manifest.jsonl"


class Row(NamedTuple):
    """What became of an image."""

    path: str
    """Below the source."""
    ok: bool
    error: str | None
    ms: float | None
    """To read, detect and write, in milliseconds; unknown if the image was done before and nobody told."""
    node: str | None
    """Of Ray."""


def read(folder: Folder) -> dict[str, Row]:
    """The rows of a manifest by their paths; none where there is none."""
    try:
        text = folder.read(NAME).decode("utf-8")
    except FileNotFoundError:
        return {}
    rows = {}
    for line in text.splitlines():
        told = json.loads(line)
        rows[told["path"]] = Row(*(told[field] for field in Row._fields))
    return rows


def write(folder: Folder, rows: Iterable[Row], job: str) -> None:
    """Writes a manifest."""
    lines = [json.dumps(row._asdict(), ensure_ascii=False) + "\n" for row in rows]
    folder.write(NAME, "".join(lines).encode("utf-8"), job)
