"""What the suites and the scripts work on: sizes of images, kinds of masks, and how many of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from panomask.bench.scenes import (
    Masks,
    Scene,
    checkerboard_scenes,
    coco_like_scenes,
    detections,
    ragged_scenes,
    simple_scenes,
)

SEED = 0
SIZES = {"480x640": (480, 640), "1024x2048": (1024, 2048), "2160x3840": (2160, 3840)}
"""COCO's, Cityscapes', and a video's."""

KINDS = {
    "simple": (simple_scenes, (20, 10, 6)),
    "coco": (coco_like_scenes, (60, 30, 12)),
    "ragged": (ragged_scenes, (10, 6, 4)),
    "checkerboard": (checkerboard_scenes, (4, 2, 1)),
}
"""How masks are made, and how many are `many` at each size: few enough for every library to end soon."""

POOL = (830, 278)
"""Detections and annotations that are all compared with each other."""


@dataclass(frozen=True)
class Input:
    """Scenes with a name: size of images, kind of masks, one mask or many or all of them in one call."""

    name: str
    kind: str
    size: str
    make: Callable[[], list[Scene]]


def one_of(scenes: Sequence[Scene]) -> list[Scene]:
    """Keep one mask, with the median number of runs, and its detection and polygon."""
    every = [(len(counts), k, i) for k, scene in enumerate(scenes) for i, counts in enumerate(scene.gt.counts)]
    _, k, i = sorted(every)[len(every) // 2]
    scene = scenes[k]
    gt, dt = (Masks(each.height, each.width, each.counts[i : i + 1]) for each in (scene.gt, scene.dt))
    return [Scene(gt, dt, scene.iscrowd[i : i + 1], scene.polygons[i : i + 1])]


def in_one(scenes: Sequence[Scene]) -> list[Scene]:
    """Put the masks of all images into one, so that one call does them all."""
    height, width = scenes[0].gt.height, scenes[0].gt.width
    gt = Masks(height, width, tuple(counts for scene in scenes for counts in scene.gt.counts))
    dt = Masks(height, width, tuple(counts for scene in scenes for counts in scene.dt.counts))
    crowds = np.concatenate([scene.iscrowd for scene in scenes])
    return [Scene(gt, dt, crowds, [polygon for scene in scenes for polygon in scene.polygons])]


def pool_scenes(n_dt: int = POOL[0], n_gt: int = POOL[1], height: int = 480, width: int = 640) -> list[Scene]:
    """Make a pool of annotations with several detections of each, as matching over a whole class has."""
    rng = np.random.default_rng(SEED)
    (scene,) = in_one(coco_like_scenes(rng, n_gt, height, width))
    counts = [each for _ in range(-(-n_dt // n_gt)) for each in detections(rng, scene.gt).counts]
    return [Scene(scene.gt, Masks(height, width, tuple(counts[:n_dt])), scene.iscrowd, scene.polygons)]


def _matrix() -> list[Input]:
    inputs = []
    for i, (size, (height, width)) in enumerate(SIZES.items()):
        for kind, (make, masks) in KINDS.items():

            def many(make=make, n=masks[i], height=height, width=width) -> list[Scene]:
                return make(np.random.default_rng(SEED), n, height, width)

            inputs.append(Input(f"{size}-{kind}-one", kind, size, lambda many=many: one_of(many())))
            if masks[i] > 1:
                inputs.append(Input(f"{size}-{kind}-many", kind, size, many))
    return inputs


INPUTS = {
    each.name: each
    for each in (
        Input("tiny", "tiny", "24x32", lambda: simple_scenes(np.random.default_rng(SEED), 1, 24, 32)),
        *_matrix(),
        Input("batch", "coco", "480x640", lambda: in_one(coco_like_scenes(np.random.default_rng(SEED), 200))),
    )
}
"""`tiny` is what a call costs; `batch` is a call for 200 masks like COCO's, where `many` is a call for each image."""
POOL_INPUT = Input("pool", "coco", "480x640", pool_scenes)

QUICK = ("tiny", "480x640-coco-many", "480x640-ragged-one")
"""A subset that ends in seconds."""
