"""Scenes to measure on: images with masks whose number, size and raggedness are those of COCO.

Objects are drawn as polygons first, because the cost of a mask is the length of its outline: a star-like ring with the
area and the number of vertices that annotators gave theirs. The polygons are rasterised by the slow rule in
`adapters.via_numpy`, so that no measured library makes the inputs of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .adapters import via_numpy

__all__ = ["Masks", "Scene", "checkerboard_scenes", "coco_like_scenes", "detections", "ragged_scenes", "simple_scenes"]

Polygon = list[list[float]]
"""One object: its rings, each `[x0, y0, x1, y1, ...]` in pixels."""

# Measured on 100 images of COCO val2014 with 839 annotations: the value at each of these shares of the data.
SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
AREAS = (17, 81, 284, 1111, 7316, 56111, 275827)  # pixels, most images being 480 x 640
VERTICES = (4, 5, 11, 17, 28, 70, 144)  # an object, all rings together
MASKS_PER_IMAGE = (1, 1, 2.75, 5, 12, 30, 44)
MEAN_MASKS_PER_IMAGE = 8.4
SEVERAL_RINGS = 0.09  # share of objects; two rings in two of three of them
COCO_PIXELS = 480 * 640


@dataclass(frozen=True, eq=False)
class Masks:
    """The masks of one image as plain run lengths, the form that every adapter starts from.

    Attributes
    ----------
    height, width : int
        The image size in pixels.
    counts : tuple of ndarray of uint32
        The canonical run lengths of each mask: column-major, background first.
    """

    height: int
    width: int
    counts: tuple[NDArray[np.uint32], ...]

    @classmethod
    def from_planes(cls, planes: Iterable[NDArray[Any]], height: int, width: int) -> Masks:
        """Make them of decoded masks (height, width)."""
        return cls(height, width, tuple(each.astype(np.uint32) for each in via_numpy.encode_planes(planes)))

    def __len__(self) -> int:
        """Count the masks."""
        return len(self.counts)


@dataclass(frozen=True, eq=False)
class Scene:
    """One image: annotated masks, detections of them, and the polygons among the annotations.

    Attributes
    ----------
    gt, dt : Masks
        Annotations, and as many detections: `dt.counts[i]` is a detection of `gt.counts[i]`.
    iscrowd : ndarray of uint8, shape (len(gt),)
        Which annotations are crowds.
    polygons : list of list of list of float
        The objects drawn as polygons, each a list of rings `[x0, y0, x1, y1, ...]`. Not parallel to `gt`, where masks
        given as run lengths are found too.
    """

    gt: Masks
    dt: Masks
    iscrowd: NDArray[np.uint8]
    polygons: list[Polygon]


def coco_like_scenes(rng: np.random.Generator, masks: int = 200, height: int = 480, width: int = 640) -> list[Scene]:
    """Make images with the statistics of COCO's annotations.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of everything random.
    masks : int
        Number of masks of all images together.
    height, width : int
        Size of every image. Areas are scaled with it.

    Returns
    -------
    list of Scene
    """
    areas = spread(rng, AREAS, masks) * (height * width / COCO_PIXELS)
    # Larger objects have more vertices, with a rank correlation of 0.5: order them by area blurred with as much noise.
    blurred = areas.argsort().argsort() + rng.normal(0, 0.5 * masks, masks)
    vertices = np.sort(spread(rng, VERTICES, masks))[blurred.argsort().argsort()].astype(int)
    polygons = [star_polygon(rng, *size, height, width) for size in zip(areas, vertices, strict=True)]
    images = split(rng, MASKS_PER_IMAGE, MEAN_MASKS_PER_IMAGE, masks)
    return [polygon_scene(rng, polygons[start:stop], height, width) for start, stop in images]


def simple_scenes(rng: np.random.Generator, masks: int = 40, height: int = 480, width: int = 640) -> list[Scene]:
    """Make one image of upright rectangles: the fewest runs that masks of their area can have."""
    corners = np.sort(rng.uniform(0, 1, (masks, 2, 2)), axis=1) * (width, height)
    polygons = [[[x0, y0, x1, y0, x1, y1, x0, y1]] for (x0, y0), (x1, y1) in corners.tolist()]
    return [polygon_scene(rng, polygons, height, width)]


def ragged_scenes(rng: np.random.Generator, masks: int = 20, height: int = 480, width: int = 640) -> list[Scene]:
    """Make one image of large objects with long frayed outlines, as a thresholded score map leaves them."""
    areas = rng.uniform(0.05, 0.2, masks) * height * width
    polygons = [star_polygon(rng, area, 300, height, width, roughness=0.5) for area in areas]
    scene = polygon_scene(rng, polygons, height, width)
    # Frayed twice more, so that the noise along the outline is several pixels deep.
    gt = detections(rng, detections(rng, scene.gt))
    return [Scene(gt, detections(rng, gt), scene.iscrowd, polygons)]


def checkerboard_scenes(rng: np.random.Generator, masks: int = 4, height: int = 480, width: int = 640) -> list[Scene]:
    """Make the worst case: as many runs as an image has pixels, and polygons whose every edge crosses all of it."""
    first_pixels = rng.integers(0, 2, masks)
    # A board is its own complement moved by one pixel, so half of all pairs of masks are equal and half are disjoint.
    boards = (np.indices((height, width)).sum(0) + first_pixels[:, None, None]) % 2
    gt = Masks.from_planes(boards, height, width)
    turns = rng.uniform((0, 0), (width, height), (masks, 100, 2))
    turns[:, 0::2, 0] = 0
    turns[:, 1::2, 0] = width
    return [Scene(gt, gt, np.zeros(masks, np.uint8), [[turn.ravel().tolist()] for turn in turns])]


def detections(rng: np.random.Generator, masks: Masks, shift: float = 0.04) -> Masks:
    """Detect masks imperfectly: each is moved a little and its edge is frayed.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of everything random.
    masks : Masks
        What to detect.
    shift : float
        Standard deviation of the movement along each axis, in square roots of the mask's area.

    Returns
    -------
    Masks
        As many masks, some of them perhaps empty.

    Notes
    -----
    Each pixel is taken from one of two copies of the mask, which differ near its outline only. A noise image common to
    the masks of the image says from which.
    """
    noise = rng.random((masks.height, masks.width)) < 0.5
    planes = []
    for counts in masks.counts:
        mask = via_numpy.decode_mask(counts, masks.height, masks.width).astype(bool)
        down, right = np.rint(rng.normal(0, shift * np.sqrt(counts[1::2].sum()), 2)).astype(int)
        planes.append(np.where(noise, moved(mask, down, right), moved(mask, down + 1, right + 1)))
    return Masks.from_planes(planes, masks.height, masks.width)


def polygon_scene(rng: np.random.Generator, polygons: Sequence[Polygon], height: int, width: int) -> Scene:
    """Make the scene of an image whose objects are all polygons."""
    gt = Masks.from_planes(via_numpy.rasterise(polygons, height, width), height, width)
    return Scene(gt, detections(rng, gt), np.zeros(len(gt), np.uint8), list(polygons))


def star_polygon(
    rng: np.random.Generator, area: float, vertices: int, height: int, width: int, roughness: float | None = None
) -> Polygon:
    """Draw an object of about this area (pixels) somewhere in the image, of one or several rings."""
    rings = 1
    if vertices >= 12 and rng.random() < SEVERAL_RINGS:
        rings = 2 if rng.random() < 2 / 3 else 3
    if roughness is None:
        # An outline drawn with more vertices follows more of the object's bays and limbs.
        roughness = min(0.05 + 0.004 * vertices, 0.12)
    shares = rng.dirichlet(np.arange(rings, 0, -1) * 3.0)
    middle = rng.uniform((0, 0), (width, height))
    polygon = []
    for share in shares:
        ring = star_ring(rng, max(4, round(vertices * share)), roughness)
        ring *= np.sqrt(area * share / ring_area(ring))
        # What does not fit is squeezed: outlines end at the image's border, as annotators draw them.
        extent = np.ptp(ring, axis=0)
        ring *= np.minimum(1, (width, height) / np.maximum(extent, 1))
        ring += np.clip(middle, -ring.min(axis=0), (width, height) - ring.max(axis=0))
        polygon.append(ring.round(2).ravel().tolist())
        middle = middle + rng.normal(0, np.sqrt(area), 2)
    return polygon


def star_ring(rng: np.random.Generator, vertices: int, roughness: float) -> NDArray[np.float64]:
    """Draw a ring of (x, y) vertices around the origin: an ellipse with lobes and with noise on its radius."""
    angles = (np.arange(vertices) + rng.uniform(-0.4, 0.4, vertices)) * (2 * np.pi / vertices)
    radius = np.exp(rng.normal(0, roughness, vertices))
    for lobes in (2, 3, 5):
        radius *= np.exp(roughness * np.sin(lobes * angles + rng.uniform(0, 2 * np.pi)))
    ring = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    return np.asarray(ring * np.exp(rng.normal(0, 0.3) * np.array([1, -1])))


def ring_area(ring: NDArray[np.float64]) -> float:
    """Measure the area inside a ring that does not cross itself (the shoelace formula)."""
    x, y = ring.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def spread(rng: np.random.Generator, quantiles: Sequence[float], n: int) -> NDArray[np.float64]:
    """Draw n values, in random order, of a distribution given by its values at `SHARES`.

    One value is drawn from each n-th of the distribution, so that small sets have its statistics too.
    """
    shares = (np.arange(n) + rng.random(n)) / n
    return np.asarray(np.exp(np.interp(rng.permutation(shares), SHARES, np.log(quantiles))))


def split(rng: np.random.Generator, quantiles: Sequence[float], mean: float, n: int) -> list[tuple[int, int]]:
    """Cut range(n) into slices whose lengths have the distribution given by its mean and its values at `SHARES`."""
    lengths = spread(rng, quantiles, max(1, round(n / mean)))
    # Stretched to end at n exactly; np.unique drops the slices that become empty.
    stops = np.unique(np.rint(np.cumsum(lengths) * (n / lengths.sum())).astype(int)).tolist()
    return [(start, stop) for start, stop in pairwise([0, *stops]) if start < stop]


def moved(mask: NDArray[np.bool_], down: int, right: int) -> NDArray[np.bool_]:
    """Move a mask; what leaves the image is lost, what comes in is background."""
    height, width = mask.shape
    result = np.zeros_like(mask)
    if abs(down) < height and abs(right) < width:
        result[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = mask[
            max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)
        ]
    return result
