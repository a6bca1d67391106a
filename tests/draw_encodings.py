"""Draw docs/panoptic-ids.svg: one scene, and what stands in its pixels under several encodings.

    python tests/draw_encodings.py

The numbers come from `panomask.panoptic`; a test draws the picture again and compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from panomask import panoptic
from panomask.panoptic import codecs

PICTURE = Path(__file__).parents[1] / "docs" / "panoptic-ids.svg"

# A letter a pixel.
SCENE = [
    "ssssssssssssssss",
    "ssssssssssssssss",
    "sssssssssssaaass",
    "sbbbbsssssaaaaas",
    "bbbbbbssssaaaaaa",
    "bbbbbbrrrraaaaaa",
    "rbrrbrrrrrrarrar",
    "rrrrrrrrrrrrrrrr",
    ".rrrrrrrrrrrrrr.",
]


class Segment(NamedTuple):
    """A segment of the scene: its Cityscapes label id, the number of its instance, its colour in COCO's PNG."""

    name: str
    category: int
    instance: int | None
    color: tuple[int, int, int]


SEGMENTS = {
    "s": Segment("sky", 23, None, (112, 165, 214)),
    "r": Segment("road", 7, None, (139, 128, 148)),
    "b": Segment("first car", 26, 0, (36, 87, 166)),
    "a": Segment("second car", 26, 1, (222, 108, 52)),
    ".": Segment("void", 0, None, (0, 0, 0)),
}
ENCODINGS = ["coco", "cityscapes", "detectron2", "semantickitti", "kitti_step", "bdd100k"]

NOTES = [
    "Categories are Cityscapes' label ids: sky 23, road 7, car 26. In COCO's files the colour is the id; what it is "
    "stands in the JSON.",
    "Several numbers are several channels. Void is -1 or 255 where 0 is a category.",
]

CELL = 18
LEFT = 16
TOP = 44
ROW = 26
NAME_WIDTH = 150
COLUMN_WIDTH = 104


def code_of(name: str, segment: Segment) -> str:
    """Return what an encoding writes for a segment; its instances count from where the encoding begins."""
    if name == "coco":
        return f"{panoptic.rgb2id(segment.color)}"
    codec = codecs.get(name)
    if segment.name == "void":
        return " ".join(str(x) for x in np.atleast_1d(codec.void_code))
    instance = codec.no_instance if segment.instance is None else segment.instance + codec.first_instance
    return " ".join(str(x) for x in np.atleast_1d(codec.pack(segment.category, instance)))


def text(x: float, y: float, words: str, style: str = "") -> str:
    """Return one line of words."""
    return f'<text x="{x:g}" y="{y:g}"{f" {style}" if style else ""}>{words}</text>'


def draw() -> str:
    """Return the picture as SVG."""
    table_left = LEFT + CELL * len(SCENE[0]) + 28
    width = table_left + NAME_WIDTH + COLUMN_WIDTH * len(SEGMENTS) + LEFT
    height = TOP + 14 + ROW * len(ENCODINGS) + 72
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#222222">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        text(LEFT, 26, "A scene, as COCO paints it", 'font-weight="bold"'),
        text(table_left, 26, "What other encodings write in its pixels", 'font-weight="bold"'),
    ]
    for row, letters in enumerate(SCENE):
        for column, letter in enumerate(letters):
            color = "#{:02x}{:02x}{:02x}".format(*SEGMENTS[letter].color)
            lines.append(
                f'<rect x="{LEFT + CELL * column}" y="{TOP + CELL * row}" width="{CELL}" height="{CELL}" '
                f'fill="{color}" stroke="#ffffff" stroke-width="0.5"/>'
            )
    for letter, column, row in (("s", 5, 1), ("b", 0.4, 5), ("a", 10.2, 5), ("r", 6.2, 7)):
        x, y = LEFT + CELL * (column + 0.2), TOP + CELL * (row - 0.3)
        lines.append(text(x, y, SEGMENTS[letter].name, 'fill="#ffffff" font-size="12"'))
    y = TOP + 14
    for i, segment in enumerate(SEGMENTS.values()):
        x = table_left + NAME_WIDTH + COLUMN_WIDTH * i
        color = "#{:02x}{:02x}{:02x}".format(*segment.color)
        lines.append(f'<rect x="{x}" y="{y - 11}" width="12" height="12" fill="{color}"/>')
        lines.append(text(x + 17, y, segment.name, 'font-weight="bold"'))
    for name in ENCODINGS:
        y += ROW
        lines.append(f'<path d="M{table_left} {y - 18}H{width - LEFT}" stroke="#dddddd"/>')
        lines.append(text(table_left, y, name))
        for i, segment in enumerate(SEGMENTS.values()):
            x = table_left + NAME_WIDTH + COLUMN_WIDTH * i
            lines.append(text(x, y, code_of(name, segment), 'font-family="Menlo, Consolas, monospace" font-size="12"'))
    for i, words in enumerate(NOTES):
        lines.append(text(LEFT, height - 34 + 18 * i, words))
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
    print(f"wrote {PICTURE}")
