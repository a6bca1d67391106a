"""RLEArray as a container: indices, slices, iteration, equality, copies, pickles, immutability."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

from checks import check_each
from masks import random_masks, random_shapes, to_rle
from panomask import RLEArray, mask


@pytest.fixture
def rles() -> RLEArray:
    """Nine masks of three sizes."""
    rng = np.random.default_rng(1)
    sizes = [(3, 4), (17, 9), (64, 65)] * 3
    return RLEArray.concatenate([RLEArray.from_dense(random_masks(rng, 1, *size)) for size in sizes])


def assert_owns_its_memory(batch: RLEArray, other: RLEArray) -> None:
    """No array of one lies in the memory of the other."""
    for name in ("counts", "offsets", "sizes"):
        assert not np.shares_memory(getattr(batch, name), getattr(other, name))


# ---- constructors ---------------------------------------------------------------------------------------------------


def test_empty_has_no_masks() -> None:
    batch = RLEArray.empty()
    assert len(batch) == 0
    assert batch.counts.shape == (0,)
    assert batch.counts.dtype == np.uint32
    assert batch.offsets.tolist() == [0]
    assert batch.offsets.dtype == np.int64
    assert batch.sizes.shape == (0, 2)
    assert batch.sizes.dtype == np.int64
    assert not list(batch)


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("size", [(0, 0), (0, 4), (3, 0), (3, 4)])
def test_zeros_and_ones_are_background_and_foreground(n: int, size: tuple[int, int]) -> None:
    for batch, pixels in ((RLEArray.zeros(n, *size), 0), (RLEArray.ones(n, *size), size[0] * size[1])):
        assert len(batch) == n
        assert batch.sizes.tolist() == [list(size)] * n
        assert batch.area.tolist() == [pixels] * n


def test_zeros_and_ones_take_every_integer() -> None:
    for integer in (int, np.int8, np.uint64):
        assert RLEArray.zeros(integer(2), integer(3), integer(4)) == RLEArray.zeros(2, 3, 4)
        assert RLEArray.ones(integer(2), integer(3), integer(4)) == RLEArray.ones(2, 3, 4)
    assert len(RLEArray.ones(True, 3, 4)) == 1


def test_batches_are_concatenated(rles: RLEArray) -> None:
    parts = [rles[:2], rles[2:2], rles[5:], rles[2:5], RLEArray.empty(), rles[:1]]
    for batches in (parts, tuple(parts), iter(parts)):
        joined = RLEArray.concatenate(batches)
        assert list(joined) == [*list(rles)[:2], *list(rles)[5:], *list(rles)[2:5], rles[0]]
        assert_owns_its_memory(joined, rles)


def test_nothing_concatenated_is_empty() -> None:
    assert RLEArray.concatenate([]) == RLEArray.empty()
    assert RLEArray.concatenate([RLEArray.empty()] * 2) == RLEArray.empty()


def test_one_batch_concatenated_is_a_copy(rles: RLEArray) -> None:
    joined = RLEArray.concatenate([rles])
    assert joined == rles
    assert_owns_its_memory(joined, rles)


# ---- indices --------------------------------------------------------------------------------------------------------


def test_an_integer_gives_a_dict(rles: RLEArray) -> None:
    dicts = rles.to_coco()
    for i in range(-9, 9):
        assert rles[i] == dicts[i]
        assert rles[np.int16(i)] == dicts[i]
        assert rles[np.array(i)] == dicts[i]
        assert type(rles[i]) is dict


def test_a_slice_gives_a_batch(rles: RLEArray) -> None:
    dicts = rles.to_coco()
    ends = [None, -20, -9, -3, -1, 0, 1, 4, 8, 9, 20]
    for start in ends:
        for stop in ends:
            for step in (None, 1, 2, 3, -1, -2, 20):
                found = rles[start:stop:step]
                assert type(found) is RLEArray
                assert found.to_coco() == dicts[start:stop:step], (start, stop, step)


def test_slices_share_memory(rles: RLEArray) -> None:
    for part in (rles[:], rles[2:7], rles[4:][1:3], rles[3:3]):
        assert part.counts is rles.counts or np.shares_memory(part.counts, rles.counts)
        assert len(part) == 0 or np.shares_memory(part.sizes, rles.sizes)
        assert np.shares_memory(part.offsets, rles.offsets)


def test_slices_keep_the_memory_alive() -> None:
    batch = RLEArray.from_dense(random_masks(np.random.default_rng(2), 50, 64, 64))
    part, expected = batch[10:12], batch.to_coco()[10:12]
    del batch
    gc.collect()
    assert part.to_coco() == expected


def test_slices_of_slices(rles: RLEArray) -> None:
    dicts = rles.to_coco()
    part = rles[2:8]
    assert list(part) == dicts[2:8]
    assert part[1] == dicts[3]
    assert list(part[1:-1]) == dicts[3:7]
    assert list(part[[4, 0]]) == [dicts[6], dicts[2]]
    assert part.area.tolist() == rles.area[2:8].tolist()
    assert part.bbox.tolist() == rles.bbox[2:8].tolist()
    assert part == rles[[2, 3, 4, 5, 6, 7]]


@pytest.mark.parametrize("index", [[0, 2, -1, 2], (8,), [], [3] * 20, range(1, 9, 3), np.array([5, -9])], ids=repr)
def test_integers_give_a_copied_batch(rles: RLEArray, index: Any) -> None:
    dicts = rles.to_coco()
    found = rles[list(index) if isinstance(index, tuple) else index]
    assert type(found) is RLEArray
    assert list(found) == [dicts[i] for i in index]
    assert_owns_its_memory(found, rles)


@pytest.mark.parametrize("dtype", ["b", "B", "h", "i", "q", "Q", ">i4"])
def test_index_arrays_of_every_integer(rles: RLEArray, dtype: str) -> None:
    assert list(rles[np.array([8, 0, 3], dtype)]) == [rles[8], rles[0], rles[3]]


def test_flags_choose_masks(rles: RLEArray) -> None:
    flags = [i % 4 == 1 for i in range(9)]
    expected = [rle for rle, flag in zip(rles, flags, strict=True) if flag]
    assert list(rles[flags]) == expected
    assert list(rles[np.array(flags)]) == expected
    assert list(rles[np.repeat(flags, 2)[::2]]) == expected
    assert len(rles[np.zeros(9, dtype=bool)]) == 0
    assert rles[np.ones(9, dtype=bool)] == rles
    assert len(RLEArray.empty()[np.zeros(0, dtype=bool)]) == 0


def test_masks_are_chosen_as_they_are_spelled() -> None:
    batch = RLEArray.from_coco({"size": [1, 6], "counts": [1, 0, 1, 2, 0, 1, 1]})
    assert batch[[0, 0]].counts.tolist() == [1, 0, 1, 2, 0, 1, 1] * 2


def test_iteration_gives_dicts(rles: RLEArray) -> None:
    assert list(rles) == rles.to_coco() == [rles[i] for i in range(len(rles))]
    assert list(RLEArray.empty()) == []
    iterator = iter(rles)
    assert next(iterator) == rles[0]


def test_a_batch_is_true_when_it_has_masks(rles: RLEArray) -> None:
    assert rles
    assert not RLEArray.empty()


# ---- equality -------------------------------------------------------------------------------------------------------


def test_batches_are_equal_mask_by_mask(rles: RLEArray) -> None:
    assert rles == rles.copy()
    assert not rles != rles.copy()  # noqa: SIM202
    assert rles != rles[:-1]
    assert rles[:-1] != rles
    assert rles != rles[::-1]
    assert RLEArray.empty() == RLEArray.empty()
    assert RLEArray.empty() != rles
    assert rles[:3] != rles[3:6]


def test_other_things_are_not_equal(rles: RLEArray) -> None:
    for other in (None, 5, rles.to_coco(), "rles", np.zeros(9), object()):
        assert (rles == other) is False
        assert (rles != other) is True


def test_a_batch_has_no_hash(rles: RLEArray) -> None:
    with pytest.raises(TypeError, match=r"^unhashable type: 'RLEArray'$"):
        hash(rles)


# ---- description ----------------------------------------------------------------------------------------------------


def test_repr_tells_how_many_and_how_large(rles: RLEArray) -> None:
    assert repr(RLEArray.from_dense(np.eye(3, dtype=bool))) == "RLEArray(1 mask, 3 x 3, 6 runs, 56 bytes)"
    assert repr(RLEArray.ones(2, 480, 640)) == "RLEArray(2 masks, 480 x 640, 4 runs, 72 bytes)"
    assert repr(RLEArray.empty()) == "RLEArray(0 masks, 0 runs, 8 bytes)"
    runs = len(rles.counts)
    assert repr(rles) == f"RLEArray(9 masks, 3 sizes, {runs} runs, {4 * runs + 8 * 10 + 16 * 9} bytes)"
    assert str(rles) == repr(rles)


def test_nbytes_counts_what_the_masks_use(rles: RLEArray) -> None:
    assert rles.nbytes == rles.counts.nbytes + rles.offsets.nbytes + rles.sizes.nbytes
    part = rles[3:5]
    assert part.nbytes == part.copy().nbytes < rles.nbytes
    assert part.copy().nbytes == sum(getattr(part.copy(), name).nbytes for name in ("counts", "offsets", "sizes"))


# ---- copies and pickles ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [RLEArray.copy, copy.copy, copy.deepcopy], ids=lambda make: make.__name__)
@pytest.mark.parametrize("which", [slice(None), slice(3, 6), slice(5, 5), slice(9, None)], ids=str)
def test_copies_have_memory_of_their_own(rles: RLEArray, make: Any, which: slice) -> None:
    part = rles[which]
    copied = make(part)
    assert type(copied) is RLEArray
    assert copied == part
    assert_owns_its_memory(copied, rles)
    assert copied.offsets[0] == 0
    assert copied.offsets[-1] == len(copied.counts)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("which", [slice(None), slice(3, 6), slice(5, 5), slice(0, 2)], ids=str)
def test_pickles_come_back(rles: RLEArray, protocol: int, which: slice) -> None:
    part = rles[which]
    found = pickle.loads(pickle.dumps(part, protocol))
    assert type(found) is RLEArray
    assert found == part
    assert found.counts.tolist() == part.copy().counts.tolist()
    for name in ("counts", "offsets", "sizes"):
        assert not getattr(found, name).flags.writeable


def test_a_pickled_slice_has_no_more_than_it_needs() -> None:
    batch = RLEArray.from_dense(random_masks(np.random.default_rng(3), 100, 64, 64))
    assert len(pickle.dumps(batch[3:5])) < len(pickle.dumps(batch)) / 10


def test_buffers_of_a_pickle_travel_outside_of_it() -> None:
    batch = RLEArray.from_dense(random_masks(np.random.default_rng(4), 100, 64, 64))
    buffers: list[pickle.PickleBuffer] = []
    text = pickle.dumps(batch, protocol=5, buffer_callback=buffers.append)
    assert sum(buffer.raw().nbytes for buffer in buffers) == batch.nbytes
    assert len(text) < 1000
    found = pickle.loads(text, buffers=buffers)
    assert found == batch
    assert np.shares_memory(found.counts, batch.counts)  # nothing was copied on the way
    elsewhere = pickle.loads(text, buffers=[bytes(buffer) for buffer in buffers])
    assert elsewhere == batch
    assert_owns_its_memory(elsewhere, batch)


def test_a_pickle_is_checked_when_it_is_read(rles: RLEArray) -> None:
    text = pickle.dumps(RLEArray.from_coco({"size": [3, 4], "counts": [5, 7]}), protocol=0)
    broken = pickle.dumps(RLEArray.from_coco({"size": [3, 4], "counts": [5, 7]}), protocol=5)
    five = np.array([5, 7], np.uint32).tobytes()
    assert broken.count(five) == 1
    with pytest.raises(ValueError, match=r"^masks\[0\]: runs cover 13 pixels, expected 12 \(3 x 4\)$"):
        pickle.loads(broken.replace(five, np.array([6, 7], np.uint32).tobytes()))
    assert pickle.loads(text).area.tolist() == [7]


# ---- immutability ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["counts", "offsets", "sizes", "area", "bbox"])
def test_arrays_are_read_only(rles: RLEArray, name: str) -> None:
    for batch in (rles, rles[2:5], rles[[1, 2]], rles.copy(), ~rles, RLEArray.empty(),
                  RLEArray.from_counts(rles.counts.copy(), rles.offsets.copy(), rles.sizes.copy())):  # fmt: skip
        array = getattr(batch, name)
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize("name", ["counts", "offsets", "sizes", "area", "bbox"])
@pytest.mark.parametrize(
    "make",
    [
        lambda rles: rles,
        lambda rles: rles[2:5],
        lambda rles: rles[[1, 2]],
        lambda rles: rles.copy(),
        lambda rles: ~rles,
        lambda rles: rles | rles,
        lambda rles: rles.union([0, 1]),
        lambda rles: RLEArray.from_coco(rles.to_coco()),
        lambda rles: RLEArray.from_dense(np.eye(3, dtype=bool)),
        lambda rles: RLEArray.from_boxes([[0, 0, 1, 1]], 3, 4),
        lambda rles: RLEArray.concatenate([rles, rles]),
        lambda rles: pickle.loads(pickle.dumps(rles)),
    ],
    ids=[
        "all",
        "slice",
        "index",
        "copy",
        "complement",
        "union",
        "group",
        "coco",
        "dense",
        "boxes",
        "concatenate",
        "pickle",
    ],
)
def test_arrays_cannot_be_made_writable(rles: RLEArray, make: Any, name: str) -> None:
    batch = make(rles.copy())
    with pytest.raises(ValueError, match="WRITEABLE"):
        getattr(batch, name).flags.writeable = True


@pytest.mark.parametrize("name", ["counts", "offsets", "sizes", "area", "bbox", "anything"])
def test_attributes_cannot_be_set_or_deleted(rles: RLEArray, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(rles, name, np.zeros(3))
    with pytest.raises(AttributeError):
        delattr(rles, name)
    assert rles.counts.dtype == np.uint32


def test_masks_cannot_be_set_or_deleted(rles: RLEArray) -> None:
    with pytest.raises((TypeError, AttributeError)):
        rles[0] = rles[1]  # type: ignore[index]
    with pytest.raises((TypeError, AttributeError)):
        del rles[0]  # type: ignore[attr-defined]


def test_a_batch_is_made_by_its_constructors_only() -> None:
    names = "from_coco, from_dense, from_polygons, from_boxes, from_counts, concatenate, empty, zeros or ones"
    with pytest.raises(TypeError, match=f"^RLEArray is made by {names}$"):
        RLEArray()
    with pytest.raises(TypeError, match=f"^RLEArray is made by {names}$"):
        RLEArray([{"size": [3, 4], "counts": "<"}])


def test_a_bare_batch_is_empty() -> None:
    bare = RLEArray.__new__(RLEArray)
    assert bare == RLEArray.empty()
    assert bare.to_coco() == []
    assert bare.area.tolist() == []
    assert (~bare, bare | bare, bare[:], bare.copy()) == (bare,) * 4
    assert RLEArray.concatenate([bare]) == bare
    assert bare.to_dense().shape == (0, 0, 0)
    assert mask.decode(bare).shape == (0, 0, 0)
    with pytest.raises(ValueError, match="WRITEABLE"):
        bare.offsets.flags.writeable = True


# ---- measures are computed once -------------------------------------------------------------------------------------


def test_area_and_box_are_kept(rles: RLEArray) -> None:
    assert rles.area is rles.area
    assert rles.bbox is rles.bbox
    assert rles[:].area is not rles.area
    assert rles.area.dtype == np.uint64
    assert rles.bbox.dtype == np.float64
    assert rles.bbox.shape == (9, 4)


# ---- neighbours -----------------------------------------------------------------------------------------------------


def test_a_batch_can_be_referred_to_weakly() -> None:
    batch = RLEArray.ones(1, 3, 4)
    reference = weakref.ref(batch)
    assert reference() is batch
    del batch
    gc.collect()
    assert reference() is None


def test_subclasses_stay_themselves() -> None:
    class Instances(RLEArray):
        pass

    batch = Instances.from_dense(np.eye(3, dtype=bool)[np.newaxis])
    for made in (batch, batch[:], batch[[0]], batch.copy(), ~batch, batch | batch, batch.union(),
                 Instances.empty(), Instances.zeros(1, 3, 4), Instances.from_coco(batch.to_coco()),
                 Instances.concatenate([batch, batch]), Instances.from_boxes([[0, 0, 1, 1]], 3, 4),
                 Instances.from_polygons([[]], 3, 4), copy.deepcopy(batch)):  # fmt: skip
        assert type(made) is Instances


def test_numpy_operators_do_not_take_a_batch_apart() -> None:
    batch = RLEArray.ones(2, 3, 4)
    for operation in (lambda: np.zeros(2) | batch, lambda: batch | np.zeros(2), lambda: np.zeros(2) - batch):
        with pytest.raises(TypeError):
            operation()


def test_masks_of_many_sizes_keep_their_places() -> None:
    rng = np.random.default_rng(5)
    masks = [random_masks(rng, 1, *shape)[0] for shape in random_shapes(rng, 300)]
    batch = RLEArray.concatenate([RLEArray.from_dense(mask) for mask in masks])
    check_each(batch, [to_rle(mask) for mask in masks], masks)
    order = rng.permutation(300)
    check_each(batch[order], [to_rle(masks[i]) for i in order], [masks[i] for i in order])
