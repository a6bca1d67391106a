"""The rules of the evaluators of panoptic quality, by name, and what categories are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from panomask._arrays import as_count, as_integer
from panomask.panoptic._records import as_key
from panomask.panoptic.result import Category

__all__ = ["PRESETS", "Preset", "as_preset", "read_categories"]


@dataclass(frozen=True)
class Preset:
    """The rules of one evaluator.

    Attributes
    ----------
    name : str
    source : str
        Where the rules come from.
    maps : {"segments", "categories", "points"}
        What is compared: maps of segment ids with a list of segments, maps of (category, instance), or a category and
        an instance for each point.
    mean : {"present", "torchmetrics", "all"}
        Which categories enter a mean, and how it is taken: those with a segment, one after the other; those with a
        segment, RQ in float32; all.
    boundary_ratio : float
        Width of boundaries over the diagonal of the image; 0 without.
    min_points : int
        Unmatched segments with fewer points are forgiven.
    ignore : tuple of int
        Categories of points that are not evaluated.
    modified : bool
        PQ† of Porzi et al.: all IoUs of stuff are added up, whatever they are.
    allow_unknown : bool
        Predictions of a category that there is not are void, instead of an error; only for "categories".

    Raises
    ------
    ValueError
        Another value than these, a negative one, or a mean over all categories of what are not points, as only these
        have a semantic IoU.
    """

    name: str
    source: str
    maps: Literal["segments", "categories", "points"] = "segments"
    mean: Literal["present", "torchmetrics", "all"] = "present"
    boundary_ratio: float = 0.0
    min_points: int = 0
    ignore: tuple[int, ...] = ()
    modified: bool = False
    allow_unknown: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (
            ("maps", ("segments", "categories", "points")),
            ("mean", ("present", "torchmetrics", "all") if self.maps == "points" else ("present", "torchmetrics")),
        ):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} is {value!r:.80}, expected one of {', '.join(allowed)}")
        if not 0 <= self.boundary_ratio < math.inf:
            raise ValueError(f"boundary_ratio is {self.boundary_ratio}, expected 0 or more")
        as_count(self.min_points, "min_points", 0)
        # equal whatever they were given as, for evaluators with equal rules merge
        object.__setattr__(self, "ignore", tuple(as_integer(each, "ignore") for each in self.ignore))


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("coco", "panopticapi"),
        Preset("cityscapes", "cityscapesScripts, evalPanopticSemanticLabeling"),
        Preset("coco-boundary", "boundary-iou-api, coco_panoptic_api", boundary_ratio=0.02),
        Preset("cityscapes-boundary", "boundary-iou-api, cityscapes_panoptic_api", boundary_ratio=0.005),
        Preset("torchmetrics", "torchmetrics, PanopticQuality", maps="categories", mean="torchmetrics"),
        Preset(
            "torchmetrics-modified",
            "torchmetrics, ModifiedPanopticQuality",
            maps="categories",
            mean="torchmetrics",
            modified=True,
        ),
        Preset("semantic-kitti", "semantic-kitti-api", maps="points", mean="all", min_points=50, ignore=(0,)),
        Preset("nuscenes", "nuscenes-devkit", maps="points", mean="all", min_points=15, ignore=(0,)),
    )
}


# ---- categories -----------------------------------------------------------------------------------------------------


def read_categories(categories: Any) -> tuple[Category, ...]:
    """Read categories as they are in a COCO file, or a dict of them by id, or those of an evaluator."""
    if isinstance(categories, str) or not isinstance(categories, Iterable):
        raise TypeError(f"categories is {categories!r:.80}, expected a list of dicts with id and isthing")
    listed = list(categories.values()) if isinstance(categories, Mapping) else list(categories)
    if not listed:
        raise ValueError("categories: there are none")
    found: dict[int, Category] = {}
    for i, each in enumerate(listed):
        if isinstance(each, Category):
            each = each._asdict()
        try:
            category_id, isthing = each["id"], each["isthing"]
        except (KeyError, TypeError, IndexError):
            raise ValueError(f"categories[{i}] is {each!r:.80}, expected a dict with id and isthing") from None
        key = as_key(category_id, f"categories[{i}]: id")
        if not isinstance(key, int):
            raise TypeError(f"categories[{i}]: id is {category_id!r:.80}, expected an int")
        if key in found:
            raise ValueError(f"categories[{i}]: id {key} is that of another category too")
        # Whoever is not 1 is stuff, as panopticapi has it.
        found[key] = Category(key, str(each.get("name", key)), isthing == 1)
    return tuple(found.values())


def as_preset(preset: str | Preset) -> Preset:
    """Return the rules of that name."""
    if isinstance(preset, Preset):
        return preset
    if not isinstance(preset, str) or preset not in PRESETS:
        raise ValueError(f"preset is {preset!r:.80}, expected one of {', '.join(PRESETS)}, or a Preset")
    return PRESETS[preset]
