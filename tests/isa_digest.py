"""Print the kernels in use and a digest of what each part of panomask finds on the same inputs; run by test_isa.py."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

import panomask
from masks import LARGE_SHAPES, every_tiny_mask, random_masks, random_ring, random_shapes, respelled, to_rle
from panomask import RLEArray, mask
from panomask.errors import InvalidRLEError
from panomask.overlap import iou_grouped, matrix_nms, nmm, nms
from panomask.panoptic import codecs, id2rgb, joint_histogram, make_contiguous, paint, rgb2id, segments, unique_ids
from test_counts import broken_texts

digests: dict[str, Any] = {}


def add(part: str, *results: Any) -> None:
    """Take results into the digest of a part."""
    digest = digests.setdefault(part, hashlib.sha256())
    for result in results:
        if isinstance(result, RLEArray):
            whole = result.copy()
            add(part, whole.counts, whole.offsets, whole.sizes)
        elif isinstance(result, np.ndarray):
            digest.update(repr((result.dtype.str, result.shape)).encode() + result.tobytes())
        else:
            digest.update(repr(result).encode())


def misaligned(array: np.ndarray[Any, Any], offset: int) -> np.ndarray[Any, Any]:
    """The same values, some bytes off."""
    memory = bytearray(array.nbytes + offset)
    view = np.frombuffer(memory, array.dtype, offset=offset, count=array.size).reshape(array.shape)
    view[...] = array
    return view


def exhaustive() -> None:
    """Every tiny mask through everything."""
    for _, masks in every_tiny_mask(11):
        for pixels in (masks, np.asfortranarray(masks), np.asfortranarray(masks.transpose(1, 2, 0)).transpose(2, 0, 1)):
            batch = RLEArray.from_dense(pixels)
            add("encode", batch)
        add("decode", batch.to_dense(), batch.to_dense(layout="hwn", dtype="f8"))
        add("text", batch.to_coco(), RLEArray.from_coco(batch.to_coco()))
        add("measures", batch.area, batch.bbox, (~batch).area)
        few = batch[:: max(1, len(batch) // 200)]
        add("overlap", few.iou(few))


def random() -> None:
    """Random masks of all dtypes and memory orders, misaligned too."""
    rng = np.random.default_rng(1)
    for height, width in [*random_shapes(rng, 40), *LARGE_SHAPES[:4]]:
        masks = random_masks(rng, 5, height, width)
        for dtype in ("?", "u1", "i1", "u2", "i4", "i8", ">u2", ">i4"):
            values = np.where(masks, rng.integers(1, 127, masks.shape), 0).astype(dtype)
            for offset in (0, 1, 3):
                for pixels in (values, np.asfortranarray(values.transpose(1, 2, 0)).transpose(2, 0, 1)):
                    add("encode", RLEArray.from_dense(misaligned(pixels, offset)))
            add("encode", RLEArray.from_dense(values[:, ::-1, ::2]), RLEArray.from_dense(values.transpose(0, 2, 1)))
            together = np.ascontiguousarray(np.tile(values, (15, 1, 1)).transpose(1, 2, 0))
            add("encode", RLEArray.from_dense(together, layout="hwn"))
        for dtype in ("f4", "f8", "f2", ">f4"):
            values = rng.normal(size=masks.shape).astype(dtype)
            values[:, ::3, ::5] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5])
            for pixels in (values, np.asfortranarray(values), misaligned(values, 1)):
                add("threshold", RLEArray.from_dense(pixels, threshold=0.5), RLEArray.from_dense(pixels, threshold=0))
        lists = [respelled(rng, to_rle(each, list)["counts"]) for each in masks]
        batch = RLEArray.from_coco([{"size": [height, width], "counts": counts} for counts in lists])
        for dtype in ("?", "u1", "i2", "f4", "f8", ">i8"):
            add("decode", batch.to_dense(dtype=dtype), batch.to_dense(layout="hwn", dtype=dtype))
            out = misaligned(np.full((5, height, width + 3), 7, dtype), 1)
            add("decode", batch.to_dense(out=out[:, :, 1:-2]), out)
            add("decode", batch.to_dense(window=(height // 3, width // 4, height // 2, width // 2)))
        add("text", batch.to_coco(), batch.to_coco("list"), RLEArray.from_coco(batch.to_coco("str")))
        add("measures", batch.area, batch.bbox, batch == RLEArray.from_dense(masks))
        other = batch[::-1]
        add("algebra", batch | other, batch & other, batch - other, batch ^ other, ~batch, batch.union(),
            batch.intersection(), batch.union([0, 2, 5]))  # fmt: skip
        add("overlap", batch.intersection_area(other), batch.iou(other, [1, 0, 1, 0, 1]))
        add("overlap", batch.intersection_area(other, paired=True), batch.dice(other, paired=True))
        add("overlap", *iou_grouped(batch, other, [0, 3, 5], [0, 2, 5]))
        add("nms", nms(batch, batch.area, 0.3), *nmm(batch, batch.area, 0.3), matrix_nms(batch, batch.area))
        for dtype in ("u1", "i2", "u4", "i8"):
            maps = (masks[:4] * np.array([1, 2, 4, 8]).reshape(4, 1, 1)).cumsum(axis=0).astype(dtype)
            for each in (maps, misaligned(maps, 1), maps.transpose(0, 2, 1), maps[:, ::-1, ::2]):
                found = segments(each, ignore=None)
                add("labels", found.ids, found.rles, found.area, found.bbox, found.offsets)
                add("labels", *joint_histogram(each, each[::-1]), *joint_histogram(each[0], each[1].T.copy().T))
            add("labels", paint(batch, [1, 2, 3, 4, 5], dtype=dtype, overlaps="over"))
        rings = [random_ring(rng, height, width, int(rng.integers(1, 12))) for _ in range(20)]
        add("shapes", RLEArray.from_polygons([[ring] for ring in rings], height, width))
        boxes = rng.uniform(-9, 90, (20, 4))
        add("shapes", RLEArray.from_boxes(boxes, height, width), mask.iou(boxes, boxes, [i % 2 for i in range(20)]))


def ids() -> None:
    """Pixels of any number and alignment as ids, and ids as codes."""
    rng = np.random.default_rng(2)
    for n in [*range(70), 1000, 4099]:
        pixels = rng.integers(0, 256, (n, 3), np.uint8)
        for offset in (0, 1, 2, 3):
            found = rgb2id(misaligned(pixels, offset))
            add(
                "ids", found, rgb2id(pixels, order="bgr"), id2rgb(found), id2rgb(misaligned(found, offset), order="bgr")
            )
        add("ids", *make_contiguous(found % 99), *unique_ids(found, return_counts=True))
        add("ids", *codecs.get("kitti_step").unpack(pixels), codecs.convert(found % 60000, "cityscapes", "coco"))


def wrong_texts() -> None:
    """Texts with one thing wrong, and what is said of it."""
    for seed in range(3):
        for text in broken_texts(np.random.default_rng(seed)):
            try:
                add("errors", RLEArray.from_coco({"size": [1, 10_000], "counts": text}))
            except InvalidRLEError as error:
                add("errors", str(error))


exhaustive()
random()
ids()
wrong_texts()
print(json.dumps({"isa": panomask.get_isa(), **{part: digest.hexdigest() for part, digest in digests.items()}}))
