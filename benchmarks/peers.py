"""Adapters of further libraries, which the suites measure where they are installed.

Three of them have pycocotools' functions under another name: their adapter is pycocotools' own, with their module in
its place, as their users would put it. `rlemasklib` has an object a mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module, metadata, util
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from panomask.bench.adapters import via_numpy
from panomask.bench.scenes import Masks

LIKE_PYCOCOTOOLS = {
    "hotcoco": "hotcoco.mask",
    "faster-coco-eval": "faster_coco_eval.core.mask",
    "ultrafast-pycocotools": "ultrafast_pycocotools.mask",
}
PEERS = (*LIKE_PYCOCOTOOLS, "rlemasklib")


def load_peers() -> dict[str, Any]:
    """Give the adapters of those that can be imported."""
    makers: dict[str, Callable[[], Any]] = {
        name: lambda name=name: like_pycocotools(name, LIKE_PYCOCOTOOLS[name]) for name in LIKE_PYCOCOTOOLS
    }
    makers["rlemasklib"] = via_rlemasklib
    peers = {}
    for name, make in makers.items():
        try:
            peers[name] = make()
        except ImportError:  # it or pycocotools
            continue
    return peers


def like_pycocotools(name: str, module: str) -> ModuleType:
    """Give a copy of pycocotools' adapter that calls another module."""
    coco_mask = import_module(module)
    spec = util.find_spec("panomask.bench.adapters.via_pycocotools")
    assert spec is not None
    assert spec.loader is not None
    adapter = util.module_from_spec(spec)
    spec.loader.exec_module(adapter)
    adapter.__dict__.update(coco_mask=coco_mask, NAME=name, version=lambda: metadata.version(name))
    return adapter


def via_rlemasklib() -> SimpleNamespace:
    """Give the adapter of rlemasklib; it has no crowds, no COCO text alone, and no polygons of several rings."""
    from rlemasklib import RLEMask

    def hold_masks(masks: Masks) -> list[Any]:
        return [RLEMask.from_counts(counts, (masks.height, masks.width)) for counts in masks.counts]

    def hold_text(masks: Masks) -> list[dict[str, Any]]:
        texts = via_numpy.compress(via_numpy.hold_runs(masks))
        return [{"size": [masks.height, masks.width], "counts": text} for text in texts]

    def decode_hwn(masks: list[Any]) -> Any:
        pixels = np.empty((*masks[0].shape, len(masks)), np.uint8, order="F")
        for i, mask in enumerate(masks):
            mask.decode_into(pixels[:, :, i], fg_value=1, bg_value=0)
        return pixels

    def decode_nhw(masks: list[Any]) -> Any:
        pixels = np.empty((len(masks), *masks[0].shape), np.uint8)
        for mask, plane in zip(masks, pixels, strict=True):
            mask.decode_into(plane, fg_value=1, bg_value=0)
        return pixels

    def rasterise(polygons: Sequence[list[list[float]]], height: int, width: int) -> list[Any]:
        united = []
        for rings in polygons:
            masks = [RLEMask.from_polygon(np.array(ring).reshape(-1, 2), imshape=(height, width)) for ring in rings]
            united.append(masks[0] if len(masks) == 1 else RLEMask.union(masks))
        return united

    def iou(dt: list[Any], gt: list[Any], iscrowd: Any) -> Any:
        if iscrowd.any():
            raise NotImplementedError("rlemasklib has no crowds")
        return RLEMask.iou_matrix(dt, gt)

    return SimpleNamespace(
        NAME="rlemasklib",
        version=lambda: metadata.version("rlemasklib"),
        hold_masks=hold_masks,
        hold_runs=hold_masks,
        hold_counts=hold_masks,
        hold_text=hold_text,
        counts_of=lambda answer: [mask.counts for mask in (answer if isinstance(answer, list) else [answer])],
        encode_hwn=lambda pixels: [RLEMask.from_array(pixels[:, :, i]) for i in range(pixels.shape[2])],
        encode_nhw=lambda pixels: [RLEMask.from_array(plane) for plane in pixels],
        decode_hwn=decode_hwn,
        decode_nhw=decode_nhw,
        area=lambda masks: [mask.area() for mask in masks],
        box=lambda masks: np.array([mask.bbox() for mask in masks]),
        union=RLEMask.union,
        intersection=lambda masks, others: [mask & other for mask, other in zip(masks, others, strict=True)],
        iou=iou,
        rasterise=rasterise,
        compress=lambda masks: [mask.to_dict() for mask in masks],
        parse=lambda texts: [RLEMask.from_dict(each) for each in texts],
    )
