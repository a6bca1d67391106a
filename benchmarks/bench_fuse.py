"""Benchmarks of predictions merged into panoptic maps, beside whole arrays in numpy, as the models' code has them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from panomask import RLEArray
from panomask.panoptic.fuse import mask2former_inference, panoptic_fpn_merge

HEIGHT, WIDTH = 480, 640
INSTANCES, QUERIES, KEPT, CLASSES = 80, 100, 25, 133
STUFF_AREA = 4096


@cache
def ellipses() -> NDArray[np.bool_]:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    y, x = rng.uniform(0, HEIGHT, (INSTANCES, 1, 1)), rng.uniform(0, WIDTH, (INSTANCES, 1, 1))
    a, b = rng.uniform(10, 90, (2, INSTANCES, 1, 1))
    found: NDArray[np.bool_] = ((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 <= 1 + 0.2 * np.sin(columns / 3)
    return found


@cache
def fpn_inputs() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    semantic = np.clip((rows + 20 * np.sin(columns / 20)) * 6 / HEIGHT, 0, 5).astype(int)
    return rng.uniform(0.5, 1, INSTANCES), rng.integers(0, 80, INSTANCES), semantic


@cache
def queries() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(2)
    mask_cls = rng.normal(0, 1, (QUERIES, CLASSES + 1)).astype(np.float32)
    mask_cls[:, CLASSES] += 5
    mask_cls[np.arange(KEPT), rng.integers(0, CLASSES, KEPT)] += 14
    mask_pred = rng.normal(-4, 1, (QUERIES, HEIGHT // 4, WIDTH // 4)).repeat(4, axis=1).repeat(4, axis=2)
    mask_pred += 8 * ellipses()[np.arange(QUERIES) % INSTANCES]
    return mask_cls, mask_pred.astype(np.float32)


def naive_fpn(
    masks: NDArray[Any], scores: NDArray[Any], classes: NDArray[Any], semantic: NDArray[Any]
) -> tuple[NDArray[Any], list[Any]]:
    panoptic = np.zeros(semantic.shape, dtype=np.int32)
    n = 0
    for i in np.argsort(-scores, kind="stable"):
        taken = masks[i] & (panoptic > 0)
        if taken.sum() / masks[i].sum() > 0.5:
            continue
        n += 1
        panoptic[masks[i] & (panoptic == 0)] = n
    for label in np.unique(semantic)[1:]:
        mask = (semantic == label) & (panoptic == 0)
        if mask.sum() >= STUFF_AREA:
            n += 1
            panoptic[mask] = n
    return panoptic, []


def naive_mask2former(mask_cls: NDArray[Any], mask_pred: NDArray[Any], things: range) -> tuple[NDArray[Any], list[Any]]:
    exponentials = np.exp(mask_cls - mask_cls.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    scores, classes = probabilities.max(axis=1), probabilities.argmax(axis=1)
    keep = (classes != CLASSES) & (scores > 0.8)
    masks = 1 / (1 + np.exp(-mask_pred))[keep]
    owner = (scores[keep][:, None, None] * masks).argmax(axis=0)
    panoptic = np.zeros(owner.shape, dtype=np.int32)
    of_stuff: dict[int, int] = {}
    n = 0
    for k, category in enumerate(classes[keep].tolist()):
        mask = (owner == k) & (masks[k] >= 0.5)
        if not mask.any() or (owner == k).sum() / (masks[k] >= 0.5).sum() < 0.8:
            continue
        if category in of_stuff:
            panoptic[mask] = of_stuff[category]
            continue
        n += 1
        panoptic[mask] = n
        if category not in things:
            of_stuff[category] = n
    return panoptic, []


@pytest.mark.parametrize("library", ["panomask, runs", "panomask, arrays", "numpy"])
def test_panoptic_fpn_merge(benchmark: Any, library: str) -> None:
    benchmark.group = f"Panoptic FPN, {INSTANCES} instances"
    masks = RLEArray.from_dense(ellipses()) if library == "panomask, runs" else ellipses()
    merge = naive_fpn if library == "numpy" else panoptic_fpn_merge
    found, _ = benchmark(merge, masks, *fpn_inputs())
    np.testing.assert_array_equal(found, naive_fpn(ellipses(), *fpn_inputs())[0])


@pytest.mark.parametrize("library", ["panomask", "numpy"])
def test_mask2former_inference(benchmark: Any, library: str) -> None:
    benchmark.group = f"Mask2Former, {QUERIES} queries, {KEPT} kept"
    merge = naive_mask2former if library == "numpy" else mask2former_inference
    found, _ = benchmark(merge, *queries(), range(80))
    np.testing.assert_array_equal(found, naive_mask2former(*queries(), range(80))[0])
