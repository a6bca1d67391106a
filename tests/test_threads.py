"""Threads: the caller's, eight at once on the same inputs, and panomask's own, which a large call is split over."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import panomask
from checks import check_identical
from masks import random_masks, random_ring
from panomask import RLEArray, mask
from panomask.overlap import iou_grouped, matrix_nms, nmm, nms
from panomask.panoptic import (
    codecs,
    id2rgb,
    joint_histogram,
    make_contiguous,
    paint,
    relabel,
    rgb2id,
    segments,
    unique_ids,
)

THREADS = 8
# Each has a generator of its own: a line that is added before it draws nothing from it.
MASKS = random_masks(np.random.default_rng(1), 24, 65, 67)
MASKS.flags.writeable = False
FLOATS = np.random.default_rng(2).normal(size=(8, 65, 67)).astype(np.float32)
BATCH = RLEArray.from_dense(MASKS)
DICTS = BATCH.to_coco(counts="list")
TEXTS = BATCH.to_coco()
RINGS = [[random_ring(np.random.default_rng(seed), 65, 67, 9)] for seed in range(24)]
BOXES = np.random.default_rng(3).uniform(0, 60, (24, 4))
FLAGS = np.arange(24) % 2 == 0
IDS = np.repeat(np.arange(900) * 7 % 60, np.arange(900) % 8 + 1)[:3000].reshape(60, 50)
SCORES = np.arange(24) % 5
LABELS = MASKS[::2] + 2 * MASKS[1::2].astype(np.int64)

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
    "groups": lambda: iou_grouped(BATCH, BATCH, [0, 5, 24], [0, 9, 24], FLAGS),
    "nms": lambda: [nms(BATCH, SCORES, 0.1), nmm(BATCH, SCORES, 0.1)[0].to_coco(), matrix_nms(BATCH, SCORES)],
    "segments": lambda: [segments(LABELS).rles.to_coco(), segments(LABELS[0].T).ids],
    "paint": lambda: [paint(BATCH, SCORES, overlaps="over"), paint(BATCH, SCORES, overlaps="report")[1].pixels],
    "joint_histogram": lambda: [joint_histogram(LABELS, LABELS[::-1]), joint_histogram(LABELS.T, LABELS.T)],
    "mask": lambda: [mask.decode(TEXTS), mask.area(TEXTS), mask.toBbox(TEXTS), mask.merge(TEXTS)],
    "mask.iou": lambda: [mask.iou(TEXTS, TEXTS[:9], [0] * 9), mask.iou(BOXES, BOXES, FLAGS)],
    "rgb2id": lambda: [rgb2id(id2rgb(IDS)), id2rgb(IDS[:, ::-1])],
    "relabel": lambda: [relabel(IDS, {i: 60 - i for i in range(60)}), *make_contiguous(IDS), unique_ids(IDS)],
    "codecs": lambda: [*codecs.get("cityscapes").unpack(IDS), codecs.convert(IDS, "cityscapes", "kitti_step")],
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


# ---- panomask's own threads -----------------------------------------------------------------------------------------

NUMBERS = (1, 2, 3, 7)


@pytest.fixture(autouse=True)
def _number() -> Iterator[None]:
    before = panomask.get_num_threads()
    yield
    panomask.set_num_threads(before)


def with_each_number(call: Callable[[], Any]) -> list[Any]:
    """What a call returns with each number of threads."""
    results = []
    for number in NUMBERS:
        panomask.set_num_threads(number)
        results.append(call())
    return results


def check_numbers_agree(call: Callable[[], Any]) -> None:
    first, *others = with_each_number(call)
    for other in others:
        check_identical(other, first)


def arrays(rles: RLEArray) -> list[Any]:
    """A batch's three arrays: its spelling, not only its masks."""
    return [rles.counts, rles.offsets, rles.sizes]


# Each of these is a millisecond's work or more for each operation; most masks are small and a few large, so that parts
# of equal cost have very different numbers of masks.
LARGER = RLEArray.from_dense(random_masks(np.random.default_rng(5), 60, 300, 300))[np.arange(600) % 60]
ORDER = np.random.default_rng(3).permutation(20_600)
MIXED = RLEArray.concatenate([LARGER, RLEArray.zeros(20_000, 300, 300)])[ORDER]
DENSE = MIXED[:3000:5].to_dense()
SHIFTED = MIXED[np.roll(np.arange(20_600), 7)]
FEW = MIXED[np.flatnonzero(MIXED.area > 0)][:500]
ONE = FEW[np.abs(np.diff(FEW.offsets) - 150) < 50][:1]  # its runs come again in each of 20 600 results
GROUPS = np.sort(np.concatenate([[0, 0, 20_600], np.random.default_rng(6).integers(0, 20_600, 300)]))
PRIORITIES = np.random.default_rng(7).random(20_600)
CLASSES = np.random.default_rng(8).integers(0, 300, 20_600)
MIXED_TEXTS = MIXED.to_coco()
MIXED_LISTS = FEW[:200].to_coco(counts="list")

LARGE_CALLS: dict[str, Callable[[], Any]] = {
    "from_dense": lambda: arrays(RLEArray.from_dense(DENSE)),
    "from_dense hwn": lambda: arrays(RLEArray.from_dense(DENSE.transpose(1, 2, 0), layout="hwn")),
    "from_dense columns": lambda: arrays(RLEArray.from_dense(DENSE.transpose(0, 2, 1))),
    "from_dense floats": lambda: arrays(RLEArray.from_dense(DENSE[:150] * np.float32(0.5), threshold=0.1)),
    "to_dense": lambda: MIXED[:3000:5].to_dense(),
    "to_dense hwn": lambda: MIXED[:3000:5].to_dense(layout="hwn", dtype=np.uint16),
    "to_dense out": lambda: MIXED[:3000:5].to_dense(out=np.full((600, 300, 300), 7, np.uint8)),
    "from_coco texts": lambda: arrays(RLEArray.from_coco(MIXED_TEXTS)),
    "from_coco lists": lambda: arrays(RLEArray.from_coco(MIXED_LISTS)),
    "to_coco": MIXED.to_coco,
    "to_coco str": lambda: FEW.to_coco("str"),
    "area": lambda: MIXED[:].area,
    "bbox": lambda: MIXED[:].bbox,
    "or": lambda: arrays(MIXED | SHIFTED),
    "sub one": lambda: arrays(MIXED - ONE),
    "one xor": lambda: arrays(ONE ^ SHIFTED),
    "invert": lambda: arrays(~MIXED),
    "union": lambda: arrays(MIXED.union()),
    "union of groups": lambda: arrays(MIXED.union(GROUPS)),
    "union of one large group": lambda: arrays(MIXED.union([5, 9, 9, 20_000, 20_000, 20_010])),
    "intersection": lambda: arrays(FEW[FEW.area > 40_000].intersection([0, 1, 50, 100])),
    "intersection_area": lambda: MIXED[:4000].intersection_area(SHIFTED[:700]),
    "intersection_area paired": lambda: MIXED.intersection_area(SHIFTED, paired=True),
    "intersection_area one": lambda: ONE.intersection_area(SHIFTED, paired=True),
    "iou": lambda: MIXED[:4000].iou(SHIFTED[:700], np.arange(700) % 3 == 0),
    "dice": lambda: FEW[:70].dice(FEW[:50]),
    "nms": lambda: nms(MIXED, PRIORITIES, 0.3, classes=CLASSES),
    "nmm": lambda: arrays(nmm(MIXED, PRIORITIES, 0.3, classes=CLASSES)[0]),
    "matrix_nms": lambda: [
        matrix_nms(MIXED, PRIORITIES, classes=CLASSES, kernel=each) for each in ("gaussian", "linear")
    ],
    "mask.encode": lambda: mask.encode(np.asfortranarray(DENSE.transpose(1, 2, 0))),
    "mask.decode": lambda: mask.decode(MIXED_TEXTS[:900]),
    "mask.area": lambda: mask.area(MIXED_TEXTS),
    "mask.toBbox": lambda: mask.toBbox(MIXED_TEXTS),
    "mask.merge": lambda: mask.merge(MIXED_TEXTS),
    "mask.iou": lambda: mask.iou(MIXED_TEXTS[:4000], MIXED_TEXTS[:300], [0] * 300),
}


@pytest.mark.parametrize("name", LARGE_CALLS)
def test_results_do_not_depend_on_the_number(name: str) -> None:
    check_numbers_agree(LARGE_CALLS[name])


# A mask is half a millisecond to several milliseconds' work: numbers of masks below, at and above those of parts.
HEAVY = RLEArray.from_dense(np.random.default_rng(4).random((9, 700, 700)) < 0.5)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 9])
def test_few_heavy_masks_are_split_too(n: int) -> None:
    masks = HEAVY[:n]
    texts = masks.to_coco()
    check_numbers_agree(lambda: [masks[:].area, masks[:].bbox, masks.to_coco(), arrays(RLEArray.from_coco(texts)),
                                 arrays(masks | masks[::-1]), arrays(masks.union()), arrays(masks.intersection()),
                                 masks.iou(masks), masks.to_dense()])  # fmt: skip


def test_threads_are_started_for_large_calls_only() -> None:
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("no /proc")
    panomask.set_num_threads(4)

    def most_threads(call: Callable[[], Any]) -> int:
        """Threads that come while the call runs some times."""
        found = [len(os.listdir(tasks)) + 1]
        is_done = threading.Event()

        def count() -> None:
            while not is_done.is_set():
                found.append(len(os.listdir(tasks)))
                time.sleep(0.001)

        thread = threading.Thread(target=count)
        thread.start()
        for _ in range(10):
            call()
        is_done.set()
        thread.join()
        return max(found) - found[0]

    image = np.broadcast_to(np.zeros((1000, 1000), bool), (200, 1000, 1000))
    assert most_threads(lambda: RLEArray.from_dense(image[:1])) == 0
    assert most_threads(lambda: RLEArray.from_dense(image)) > 0


WRONG = {"size": [3, 4], "counts": [5, 6]}
OTHER_SIZE = RLEArray.zeros(1, 300, 301)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: RLEArray.from_coco(
                [*MIXED_TEXTS[:17_000], WRONG, *MIXED_TEXTS[:3000], {"size": [1, 1], "counts": "a"}]
            ),
            "rles[17000]: runs cover 11 pixels, expected 12 (3 x 4)",
        ),
        (
            lambda: FEW[:500] | RLEArray.concatenate([FEW[:400], OTHER_SIZE, FEW[:98], OTHER_SIZE]),
            "masks[400]: size is 300 x 300, but other[400] is 300 x 301",
        ),
        (
            lambda: FEW[:1] - RLEArray.concatenate([FEW, OTHER_SIZE, OTHER_SIZE]),
            "masks[0]: size is 300 x 300, but other[500] is 300 x 301",
        ),
        (
            lambda: RLEArray.concatenate([FEW, OTHER_SIZE, FEW, OTHER_SIZE]).union(),
            "masks[500]: size is 300 x 301, but masks[0] is 300 x 300",
        ),
        (
            lambda: RLEArray.concatenate([FEW, OTHER_SIZE, FEW, OTHER_SIZE]).union([0, 400, 700, 1002]),
            "masks[500]: size is 300 x 301, but masks[400] is 300 x 300",
        ),
        (
            lambda: FEW.iou(RLEArray.concatenate([FEW, OTHER_SIZE])),
            "masks[0]: size is 300 x 300, but other[500] is 300 x 301",
        ),
        (
            lambda: FEW.iou(RLEArray.concatenate([FEW[:450], OTHER_SIZE, FEW[:48], OTHER_SIZE]), paired=True),
            "masks[450]: size is 300 x 300, but other[450] is 300 x 301",
        ),
    ],
    ids=["from_coco", "pairwise", "one with many", "union", "union of groups", "iou", "iou paired"],
)
def test_the_first_error_is_told_by_any_number(call: Callable[[], Any], text: str) -> None:
    def message() -> str:
        with pytest.raises(ValueError) as raised:  # noqa: PT011
            call()
        return str(raised.value)

    for found in with_each_number(message):
        assert found.startswith(text)


def test_large_calls_from_many_threads_at_once() -> None:
    panomask.set_num_threads(3)
    expected = MIXED.area.tolist(), FEW.union()
    barrier = threading.Barrier(4)

    def work(_: int) -> Any:
        barrier.wait()
        return [(MIXED[:].area.tolist(), FEW.union()) for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        assert all(found == [expected] * 3 for found in pool.map(work, range(4)))


@pytest.mark.parametrize("n", [1, 2, 256, np.int64(5), True])
def test_set_num_threads_takes_what_it_says(n: Any) -> None:
    panomask.set_num_threads(n)
    assert panomask.get_num_threads() == n


@pytest.mark.parametrize(
    ("n", "error", "text"),
    [
        (0, ValueError, "n is 0, expected 1 to 256"),
        (-1, ValueError, "n is -1, expected 1 to 256"),
        (257, ValueError, "n is 257, expected 1 to 256"),
        (2**70, ValueError, f"n is {2**70}, expected 1 to 256"),
        (2.0, TypeError, "n is 2.0, expected an integer"),
        ("2", TypeError, "n is '2', expected an integer"),
        (None, TypeError, "n is None, expected an integer"),
    ],
)
def test_set_num_threads_with_bad_input(n: Any, error: type[Exception], text: str) -> None:
    before = panomask.get_num_threads()
    with pytest.raises(error) as raised:
        panomask.set_num_threads(n)
    assert str(raised.value) == text
    assert panomask.get_num_threads() == before


# ---- in processes of their own --------------------------------------------------------------------------------------


def start_python(code: str, number: str | None = None) -> subprocess.Popen[str]:
    """Run code in another Python, with PANOMASK_NUM_THREADS set, or not."""
    environment = {name: value for name, value in os.environ.items() if name != "PANOMASK_NUM_THREADS"}
    if number is not None:
        environment["PANOMASK_NUM_THREADS"] = number
    path = [str(Path(panomask.__file__).parents[1]), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(("number", "expected"), [("1", 1), ("3", 3), ("256", 256), (" 2 ", 2)])
def test_the_environment_sets_the_number(number: str, expected: int) -> None:
    out, error = start_python("import panomask; print(panomask.get_num_threads())", number).communicate()
    assert out == f"{expected}\n", error


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity on this system")
@pytest.mark.parametrize("number", [None, ""])
def test_the_number_is_that_of_the_usable_cpus_otherwise(number: str | None) -> None:
    code = "import os; {}; import panomask; print(panomask.get_num_threads())"
    cpus = os.sched_getaffinity(0)
    out, _ = start_python(code.format("0"), number).communicate()
    assert out == f"{len(cpus)}\n"
    out, _ = start_python(code.format(f"os.sched_setaffinity(0, {{{min(cpus)}}})"), number).communicate()
    assert out == "1\n"


@pytest.mark.parametrize("number", ["0", "-1", "257", "two", "1.5", "9" * 30])
def test_a_bad_number_in_the_environment_is_an_import_error(number: str) -> None:
    process = start_python("import panomask", number)
    _, error = process.communicate()
    assert process.returncode == 1
    assert error.splitlines()[-1] == f"ImportError: PANOMASK_NUM_THREADS is {number!r}, expected 1 to 256"


FORK = """
import multiprocessing, os, threading, warnings
import numpy as np
import panomask
from panomask import RLEArray
warnings.simplefilter("ignore")
panomask.set_num_threads(3)
images = np.arange(300)[:, None, None] > np.indices((300, 300)).sum(axis=0) % 299
def work(_=None):
    rles = RLEArray.from_dense(images)
    return int(rles.area.sum()), rles.union().counts.sum().item(), (rles.to_dense() == images).all().item()
expected = work()
def work_forked():
    child = os.fork()
    if child == 0:
        os._exit(0 if work() == expected and panomask.get_num_threads() == 3 else 1)
    return os.waitpid(child, 0)[1]
print(work_forked())  # after threads ran
done = threading.Event()
found = []
def repeat():
    while not done.is_set():
        found.append(work() == expected)
thread = threading.Thread(target=repeat)
thread.start()
print([work_forked() for _ in range(2)])  # while threads run
done.set()
thread.join()
print(all(found))
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(work, range(2)) == [expected] * 2)
print(work() == expected)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_works() -> None:
    out, error = start_python(FORK).communicate(timeout=120)
    assert out.splitlines() == ["0", "[0, 0]", "True", "True", "True"], error


# One call that takes some ten seconds on one thread, whose input is one image again and again.
INTERRUPTED = """
import signal
import time
import numpy as np
from panomask import RLEArray
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it
image = np.zeros((1000, 1000), bool)
image[200:300, 400:500] = True
images = np.broadcast_to(image, (200_000, 1000, 1000))
expected = RLEArray.from_dense(image)
print("begins", flush=True)
try:
    RLEArray.from_dense(images)
    print("was not interrupted")
except KeyboardInterrupt:
    print(time.monotonic())
print((RLEArray.from_dense(images[:200]) == expected[[0] * 200]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", ["1", "2"])
def test_ctrl_c_comes_through(number: str) -> None:
    process = start_python(INTERRUPTED, number)
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    time.sleep(0.3)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    came, works = out.splitlines()
    assert 0 < float(came) - sent < 1, error
    assert works == "True", error
