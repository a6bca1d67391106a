"""Threads: eight at once on the same inputs find what one finds, and others run meanwhile."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from checks import check_identical
from masks import random_masks, random_ring
from panomask import RLEArray, mask

THREADS = 8
RNG = np.random.default_rng(1)
MASKS = random_masks(RNG, 24, 65, 67)
MASKS.flags.writeable = False
FLOATS = RNG.normal(size=(8, 65, 67)).astype(np.float32)
BATCH = RLEArray.from_dense(MASKS)
DICTS = BATCH.to_coco(counts="list")
TEXTS = BATCH.to_coco()
RINGS = [[random_ring(RNG, 65, 67, 9)] for _ in range(24)]
BOXES = RNG.uniform(0, 60, (24, 4))
FLAGS = np.arange(24) % 2 == 0

CALLS: dict[str, Callable[[], Any]] = {
    "from_dense": lambda: RLEArray.from_dense(MASKS).to_coco(),
    "from_dense transposed": lambda: RLEArray.from_dense(MASKS.transpose(0, 2, 1)).to_coco(),
    "from_dense floats": lambda: RLEArray.from_dense(FLOATS, threshold=0.5).to_coco(),
    "from_coco lists": lambda: RLEArray.from_coco(DICTS).to_coco(),
    "from_coco texts": lambda: RLEArray.from_coco(TEXTS).to_coco(counts="list"),
    "from_polygons": lambda: RLEArray.from_polygons(RINGS, 65, 67).to_coco(),
    "from_boxes": lambda: RLEArray.from_boxes(BOXES, 65, 67).to_coco(),
    "from_counts": lambda: RLEArray.from_counts(BATCH.counts, BATCH.offsets, BATCH.sizes).to_coco("str"),
    "concatenate": lambda: RLEArray.concatenate([BATCH, BATCH[3:]]).to_coco(),
    "to_dense": BATCH.to_dense,
    "to_dense hwn": lambda: BATCH.to_dense(layout="hwn", dtype=np.float64),
    "index": lambda: [BATCH[5], BATCH[3:9].to_coco(), BATCH[[1, 2]].to_coco(), BATCH[FLAGS].to_coco()],
    "iterate": lambda: list(BATCH),
    "equal": lambda: [BATCH.copy() == BATCH, BATCH[::-1] == BATCH],
    "pickle": lambda: pickle.loads(pickle.dumps(BATCH)).to_coco(),
    "area": lambda: np.array(BATCH[:].area),
    "bbox": lambda: np.array(BATCH[:].bbox),
    "algebra": lambda: [(BATCH | BATCH[::-1]).to_coco(), (BATCH - BATCH[:1]).to_coco(), (~BATCH).to_coco()],
    "union": lambda: [BATCH.union().to_coco(), BATCH.intersection([0, 3, 9, 24]).to_coco()],
    "overlap": lambda: [BATCH.intersection_area(BATCH), BATCH.iou(BATCH, FLAGS), BATCH.dice(BATCH, paired=True)],
    "mask": lambda: [mask.decode(TEXTS), mask.area(TEXTS), mask.toBbox(TEXTS), mask.merge(TEXTS)],
    "mask.iou": lambda: [mask.iou(TEXTS, TEXTS[:9], [0] * 9), mask.iou(BOXES, BOXES, FLAGS)],
    "mask.frPyObjects": lambda: mask.frPyObjects([ring[0] for ring in RINGS], 65, 67),
}


@pytest.mark.parametrize("name", CALLS)
def test_eight_threads_find_what_one_finds(name: str) -> None:
    call = CALLS[name]
    expected = call()
    barrier = threading.Barrier(THREADS)

    def work(_: int) -> list[Any]:
        barrier.wait()
        return [call() for _ in range(10)]

    with ThreadPoolExecutor(THREADS) as pool:
        for results in pool.map(work, range(THREADS)):
            for found in results:
                check_identical(found, expected)


def test_eight_threads_with_different_work_find_what_one_finds() -> None:
    names = sorted(CALLS)
    expected = {name: CALLS[name]() for name in names}
    barrier = threading.Barrier(THREADS)

    def work(seed: int) -> list[tuple[str, Any]]:
        order = np.random.default_rng(seed).permutation(names).tolist() * 3
        barrier.wait()
        return [(name, CALLS[name]()) for name in order]

    with ThreadPoolExecutor(THREADS) as pool:
        for results in pool.map(work, range(THREADS)):
            for name, found in results:
                check_identical(found, expected[name])


def test_area_and_box_may_be_asked_for_first_by_many() -> None:
    expected = BATCH[:].area.tolist(), BATCH[:].bbox.tolist()
    for _ in range(50):
        fresh = BATCH[:]
        barrier = threading.Barrier(THREADS)

        def work(_: int, fresh: RLEArray = fresh, barrier: threading.Barrier = barrier) -> Any:
            barrier.wait()
            return fresh.area.tolist(), fresh.bbox.tolist()

        with ThreadPoolExecutor(THREADS) as pool:
            assert all(found == expected for found in pool.map(work, range(THREADS)))


def test_errors_come_to_the_thread_that_made_them() -> None:
    barrier = threading.Barrier(THREADS)

    def work(i: int) -> set[str]:
        barrier.wait()
        texts = set()
        for _ in range(200):
            with pytest.raises(ValueError) as raised:  # noqa: PT011
                RLEArray.from_coco([TEXTS[0]] * i + [{"size": [3, 4], "counts": [i]}])
            texts.add(str(raised.value))
        return texts

    with ThreadPoolExecutor(THREADS) as pool:
        for i, texts in enumerate(pool.map(work, range(THREADS))):
            assert texts == {f"rles[{i}]: runs cover {i} pixels, expected 12 (3 x 4)"}


LARGE = np.indices((1000, 1000)).sum(axis=0)[np.newaxis] % 2 == 0
RAGGED = RLEArray.from_dense(np.random.default_rng(2).random((60, 300, 300)) < 0.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: RLEArray.from_dense(np.broadcast_to(LARGE, (40, 1000, 1000))),
        lambda: RLEArray.from_dense(LARGE)[[0] * 40].to_dense(),
        lambda: RAGGED[np.arange(600) % 60].union(),
        lambda: RAGGED.iou(RAGGED),
    ],
    ids=["encode", "decode", "union", "iou"],
)
def test_other_threads_run_meanwhile(call: Callable[[], Any]) -> None:
    # Another thread counts its turns; while the interpreter lock were held it would have none.
    turns: list[float] = []
    is_done = threading.Event()

    def count() -> None:
        while not is_done.is_set():
            turns.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    start = time.perf_counter()
    call()
    end = time.perf_counter()
    is_done.set()
    thread.join()
    turns_meanwhile = sum(start < turn < end for turn in turns)
    assert turns_meanwhile >= min(5, (end - start) / 0.02)
