"""Codecs: every encoding against its definition, its limits, and conversion between all of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import draw_encodings
import panomask
import write_encodings
from panomask.panoptic import codecs, id2rgb, relabel
from panomask.panoptic.codecs import Codec, convert, get

NAMES = codecs.names()
Fields = tuple[int, ...]


# ---- the definitions, one by one ------------------------------------------------------------------------------------
#
# Naive readers, written from the formulas of the sources: a code, which is an int or a tuple of channels, to category
# and instance (or the segment id alone).


def by_divisor(divisor: int, bare_below: int = 0) -> Callable[[int], Fields]:
    return lambda code: (code, -1) if code < bare_below else (code // divisor, code % divisor)


def rgb_number(pixel: Any) -> int:
    return int(pixel[0] + 256 * pixel[1] + 65536 * pixel[2])


READERS: dict[str, Callable[[Any], Fields]] = {
    **dict.fromkeys(
        ("coco", "coconut", "ade20k_panoptic", "vistas_panoptic", "vipseg_rgb", "segments_ai"),
        lambda p: (rgb_number(p),),
    ),
    **dict.fromkeys(
        (
            *("detectron2_segments", "huggingface_instance", "scannet_instance"),
            *("voc_object", "tensorbay"),
        ),
        lambda code: (code,),
    ),
    "huggingface_panoptic": lambda code: (0,) if code == -1 else (code,),
    **dict.fromkeys(
        (
            *("cityscapes_labelid", "cityscapes_trainid", "vistas_label", "vistas_v2_label", "ade20k_semantic"),
            *("coco_stuff_pixelmaps", "coco_stuffthingmaps", "bdd100k_semantic", "voc_class", "scannet_label"),
            "nuscenes_lidarseg",
        ),
        lambda code: (code,),
    ),
    **dict.fromkeys(("cityscapes", "cityscapes_instancetrainid", "scannet"), by_divisor(1000, 1000)),
    "cityscapes_panoptic": lambda pixel: by_divisor(1000, 1000)(rgb_number(pixel)),
    "detectron2": lambda code: (-1, 0) if code == -1 else (code // 1000, code % 1000),
    **dict.fromkeys(
        (
            *("deeplab2_cityscapes", "deeplab2_kitti_step", "deeplab2_motchallenge_step", "deeplab2_cityscapes_dvps"),
            *("deeplab2_ade20k", "mots", "nuscenes_panoptic", "waymo", "category_major"),
        ),
        by_divisor(1000),
    ),
    "deeplab2_semkitti_dvps": by_divisor(65536),
    "deeplab2_coco": by_divisor(256),
    "deeplab2_waymo": by_divisor(100000),
    **dict.fromkeys(("vistas", "vistas_v2"), lambda code: (code >> 8, code & 255)),
    "vipseg": by_divisor(100, 125),
    "panoptic_parts": lambda code: (
        (code // 100_000, code // 100 % 1000, code % 100) if code > 99_999 else (*by_divisor(1000, 100)(code), -1)
    ),
    **dict.fromkeys(("mmdetection", "instance_major"), lambda code: (code % 1000, code // 1000)),
    **dict.fromkeys(("panopticapi_2ch", "deeplab2_2ch", "ade20k_instance"), lambda p: (p[0], p[1])),
    "kitti_step": lambda p: (p[0], 256 * p[1] + p[2]),
    "bdd100k": lambda p: (p[0], (p[2] << 8) + p[3], *(p[1] >> bit & 1 for bit in (3, 2, 1, 0))),
    "ade20k_full": lambda p: (p[0] // 10 * 256 + p[1], p[2]),
    **dict.fromkeys(("pastis", "deeplab2_numpy"), lambda p: (p[0], p[1])),
    "semantickitti": lambda code: (code & 0xFFFF, code >> 16),
    "waymo_lidar": lambda p: (p[1], p[0]),
}

# Name, fields, code: worked by hand from the sources.
EXAMPLES: list[tuple[str, Fields, Any]] = [
    # panopticapi/utils.py: 220 + 20 * 256 + 60 * 65536 = 220 + 5120 + 3932160
    ("coco", (3937500,), (220, 20, 60)),
    ("coco", (0,), (0, 0, 0)),
    # the COCONut data: ids 1 to n, so only R is not zero
    ("coconut", (7,), (7, 0, 0)),
    # Mask2Former's ids are COCO's: 1 + 2 * 256 + 3 * 65536 = 1 + 512 + 196608
    ("ade20k_panoptic", (197121,), (1, 2, 3)),
    ("vistas_panoptic", (65793,), (1, 1, 1)),
    ("vipseg_rgb", (256,), (0, 1, 0)),
    # segments_ai utils.py: 65793 is 1 + 256 + 65536, alpha is 255
    ("segments_ai", (65793,), (1, 1, 1, 255)),
    # a list of segments_info: the first segment is 1
    ("detectron2_segments", (1,), 1),
    ("huggingface_panoptic", (2,), 2),
    ("huggingface_instance", (0,), 0),
    ("huggingface_instance", (-1,), -1),
    # Filter2dAnnotations: objectId 4 is written as 5
    ("scannet_instance", (5,), 5),
    # voc/format.py: 255 is the border between objects
    ("voc_object", (3,), 3),
    ("voc_object", (255,), 255),
    # InstanceMask.rst and its neighbours: 16 bits for more than 256
    ("tensorbay", (300,), 300),
    # labels.py: 26 car, whose train id is 13
    ("cityscapes_labelid", (26,), 26),
    ("cityscapes_trainid", (13,), 13),
    ("vistas_label", (55,), 55),
    # config_v2.0.json: label 123 is void--unlabeled, the last one
    ("vistas_v2_label", (123,), 123),
    ("ade20k_semantic", (150,), 150),
    # labels.md: banner is 92, "other" 183; in stuffthingmaps one less, and person, 1, is 0
    ("coco_stuff_pixelmaps", (92,), 92),
    ("coco_stuff_pixelmaps", (183,), 183),
    ("coco_stuffthingmaps", (0,), 0),
    ("coco_stuffthingmaps", (91,), 91),
    # format.rst: car is 13 of the 19
    ("bdd100k_semantic", (13,), 13),
    # voc/format.py: person is 15, the border 255
    ("voc_class", (15,), 15),
    ("voc_class", (255,), 255),
    # scannetv2-labels.combined.tsv: ids go beyond 8 bits
    ("scannet_label", (1191,), 1191),
    ("nuscenes_lidarseg", (17,), 17),
    # json2instanceImg.py: the third car is 26 * 1000 + 2, a group of cars 26, road 7
    ("cityscapes", (26, 2), 26002),
    ("cityscapes", (26, -1), 26),
    ("cityscapes", (7, -1), 7),
    ("cityscapes", (33, 999), 33999),
    # the same with train ids; road is 0
    ("cityscapes_instancetrainid", (13, 2), 13002),
    ("cityscapes_instancetrainid", (0, -1), 0),
    ("cityscapes_instancetrainid", (255, -1), 255),
    # createPanopticImgs.py: 26002 = 146 + 101 * 256
    ("cityscapes_panoptic", (26, 2), (146, 101, 0)),
    # panoptic_evaluation.py: category 60, instance 2
    ("detectron2", (60, 2), 60002),
    ("detectron2", (-1, 0), -1),
    # dataset.py: car 13, the first; void is 255 * 1000
    ("deeplab2_cityscapes", (13, 1), 13001),
    ("deeplab2_cityscapes", (255, 0), 255000),
    # track 300 of a car
    ("deeplab2_kitti_step", (13, 300), 13300),
    ("deeplab2_motchallenge_step", (4, 12), 4012),
    ("deeplab2_cityscapes_dvps", (32, 0), 32000),
    # 255 * 65536
    ("deeplab2_semkitti_dvps", (255, 0), 16711680),
    # 17 * 256 + 5
    ("deeplab2_coco", (17, 5), 4357),
    ("deeplab2_ade20k", (150, 3), 150003),
    # waymo_constants.py: 28 * 100000 + 12345
    ("deeplab2_waymo", (28, 12345), 2812345),
    # mots_common/io.py: pedestrian 5
    ("mots", (2, 5), 2005),
    ("mots", (10, 0), 10000),
    # evaluation.py: 55 * 256 + 3
    ("vistas", (55, 3), 14083),
    ("vistas", (65, 0), 16640),
    ("vistas_v2", (123, 7), 31495),
    # format.py, label_format.md: sky; the second car; person, instance 10, part 2, and what of it is no known part
    ("panoptic_parts", (23, -1, -1), 23),
    ("panoptic_parts", (26, 2, -1), 26002),
    ("panoptic_parts", (24, 10, 2), 2401002),
    ("panoptic_parts", (24, 10, 0), 2401000),
    # README: person is 61, the second of them 1; stuff is bare
    ("vipseg", (61, 1), 6101),
    ("vipseg", (124, -1), 124),
    # data_io.py: car 17, instance 1
    ("nuscenes_panoptic", (17, 1), 17001),
    # convert_scannet_instance_image.py: chair is 5 of NYU40
    ("scannet", (5, 2), 5002),
    ("scannet", (2, -1), 2),
    # camera_segmentation_utils.py with a divisor of 1000
    ("waymo", (9, 12), 9012),
    ("category_major", (3, 21), 3021),
    # panoptic_utils.py: 17 + 3 * 1000; and the articles' 1038, 3038 are tennis rackets (38), 5000 a person (0)
    ("mmdetection", (17, 3), 3017),
    ("instance_major", (38, 3), 3038),
    ("instance_major", (0, 5), 5000),
    # 2channels2panoptic_coco_format.py: R is the category, G the instance
    ("panopticapi_2ch", (1, 3), (1, 3, 0)),
    # vis.py: two_channel_png
    ("deeplab2_2ch", (13, 44), (13, 44, 0)),
    # build_step_data.py: 300 = 1 * 256 + 44
    ("kitti_step", (13, 300), (13, 1, 44)),
    ("kitti_step", (255, 0), (255, 0, 0)),
    # format.rst: 300 = 1 * 256 + 44 in B and A; occluded is bit 2, so G is 4
    ("bdd100k", (35, 300, 0, 1, 0, 0), (35, 4, 1, 44)),
    # bitmask.py: the kit's blank mask has G = 3, ignored and crowd
    ("bdd100k", (0, 1, 0, 0, 1, 1), (0, 3, 0, 1)),
    ("bdd100k", (31, 65535, 1, 0, 0, 0), (31, 8, 255, 255)),
    # instancesegmentation/README.md: class 12, the fifth instance of the image
    ("ade20k_instance", (12, 5), (12, 5, 0)),
    # utils_ade20k.py: 10 // 10 * 256 + 145 = 401
    ("ade20k_full", (401, 25), (10, 145, 25)),
    # dataloader.py: crop 3, instance 2
    ("pastis", (3, 2), (3, 2)),
    # laserscan.py: 0x0003000A = 3 * 65536 + 10
    ("semantickitti", (10, 3), 196618),
    ("deeplab2_numpy", (13, 300), (13, 300)),
    # dataset.proto: the instance is first
    ("waymo_lidar", (9, 12), (12, 9)),
]


def plain(code: Any) -> Any:
    """A code as an int or a tuple."""
    return tuple(code.tolist()) if getattr(code, "ndim", 0) else int(code)


def pack(codec: Any, fields: Fields) -> Any:
    attributes = {
        name: value if name == "part" else bool(value)
        for name, value in zip(codec.fields[2:], fields[2:], strict=False)
    }
    return codec.pack(*fields[:2], **attributes)


def as_codes(codec: Codec, numbers: NDArray[Any]) -> NDArray[Any]:
    """The codes whose bits are these numbers."""
    if codec.channels == 1:
        return numbers.astype(codec.dtype)
    item = np.dtype(codec.dtype).itemsize
    bits = [numbers.astype(np.uint64) >> np.uint64(8 * item * c) for c in range(codec.channels)]
    return np.stack(bits, axis=-1).astype(f"u{item}").view(codec.dtype)


def stack(found: Any) -> NDArray[np.int64]:
    return np.stack([np.asarray(each, np.int64) for each in found], axis=-1)


def test_every_encoding_has_a_definition_and_an_example() -> None:
    assert sorted(READERS) == sorted(NAMES)
    assert {name for name, _, _ in EXAMPLES} == set(NAMES)


@pytest.mark.parametrize(("name", "fields", "code"), EXAMPLES)
def test_the_examples_of_the_sources(name: str, fields: Fields, code: Any) -> None:
    codec = get(name)
    assert READERS[name](code) == fields
    packed = pack(codec, fields)
    assert packed.dtype == np.dtype(codec.dtype)
    assert plain(packed) == code
    found = codec.unpack(np.array(code, codec.dtype))
    assert tuple(int(each) for each in found) == fields
    assert found._fields == codec.fields


@cache
def sample(name: str) -> NDArray[Any]:
    """Codes: all where there are at most 2^16, else limits, neighbours of the divisor, and random ones."""
    codec = get(name)
    dtype = np.dtype(codec.dtype)
    bits = 8 * dtype.itemsize * codec.channels
    if bits <= 16:
        return np.arange(2**bits, dtype=np.int64).astype(dtype)
    rng = np.random.default_rng(bits)
    near = [x + d for x in (0, 255, 256, 1000, 26000, 65536, 100000, 2**24, 2**31) for d in (-1, 0, 1)]
    numbers = np.array([x for x in near if 0 <= x < 2 ** min(bits, 62)] + [2 ** min(bits, 62) - 1])
    wide = rng.integers(0, 2 ** min(bits, 63), 3000, dtype=np.uint64)
    narrow = rng.integers(0, 70000, 3000, dtype=np.uint64)
    two = (rng.integers(0, 25, 3000) | rng.integers(0, 400, 3000) << (bits // 2)).astype(np.uint64)
    whole = np.concatenate([numbers.astype(np.uint64), wide, narrow, two])
    if codec.channels == 1 and dtype.kind == "i":
        return np.concatenate([whole.astype(dtype), np.array([-1, -2, np.iinfo(dtype).min], dtype)])
    return as_codes(codec, whole)


def is_code(name: str, code: Any) -> bool:
    """Whether a code means something, by the definitions' limits."""
    most = {"waymo": 65534, "scannet_instance": 254, "coco_stuff_pixelmaps": 183}
    if name in most:
        return code <= most[name]
    if name in ("detectron2", "huggingface_panoptic", "huggingface_instance"):
        return code >= -1
    if name == "scannet":  # instances count from 1
        return code < 1000 or code % 1000 > 0
    if name == "panoptic_parts":
        return 0 <= code < 100 or 1000 <= code < 10_000_000
    if name == "pastis":
        return 0 <= code[0] <= 19 and code[1] >= 0
    if name in ("deeplab2_numpy", "waymo_lidar"):
        return code[0] >= 0 and code[1] >= 0
    return isinstance(code, tuple) or code >= 0


@pytest.mark.parametrize("name", NAMES)
def test_unpacking_is_the_definition_and_packing_its_inverse(name: str) -> None:
    codec = get(name)
    every = sample(name)
    kept = [i for i, code in enumerate(every) if is_code(name, plain(code))]
    codes = every[kept]
    expected = np.array([READERS[name](plain(code)) for code in codes])
    found = codec.unpack(codes)
    assert np.array_equal(stack(found), expected)
    again = codec.pack(*found[:2], **dict(zip(codec.fields[2:], found[2:], strict=True)))
    assert again.dtype == codes.dtype
    if name == "ade20k_full":  # R is written as a multiple of 10
        codes = codes.copy()
        codes[:, 0] = codes[:, 0] // 10 * 10
    unused = {"panopticapi_2ch": 2, "deeplab2_2ch": 2, "ade20k_instance": 2}
    if name in unused:
        codes = codes.copy()
        codes[:, 2] = 0
    if name == "segments_ai":
        codes = codes.copy()
        codes[:, 3] = 255
    if name == "bdd100k":
        codes = codes.copy()
        codes[:, 1] &= 15
    if name == "huggingface_panoptic":  # the -1 of maps without segments is written as 0
        codes = np.where(codes == -1, 0, codes)
    assert np.array_equal(again, codes)
    for i in sorted(set(range(len(every))) - set(kept))[:50]:
        code = plain(every[i])
        with pytest.raises(ValueError, match=f"which is no code of {name}$") as caught:
            codec.unpack(every[i])
        assert str(caught.value) == f"ids is {code}, which is no code of {name}"


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_done_as_each_code_alone(name: str) -> None:
    # noise is packed and unpacked by loops of its own, a part of it at a time
    codec = get(name)
    rng = np.random.default_rng(7)
    codes = sample(name)
    codes = codes[[is_code(name, plain(code)) for code in codes]]
    noise = codes[rng.integers(0, len(codes), 9000)]
    expected = np.array([READERS[name](plain(code)) for code in noise])
    wide = np.repeat(noise, 2, axis=0)[::2]  # which is gathered
    for each in (noise, wide, *([noise.astype(np.int64)] if codec.channels == 1 else [])):
        assert np.array_equal(stack(codec.unpack(each)), expected)
    fields = codec.unpack(noise)
    names = codec.fields
    packed = codec.pack(*fields[:2], **dict(zip(names[2:], fields[2:], strict=True)))
    assert np.array_equal(stack(codec.unpack(packed)), expected)
    for place in (0, 511, 512, 4095, 4096, 8999):
        for field, bad in product(range(min(len(names), 2)), (-7, 2**31, 2**40)):
            changed = [np.array(each, np.int64) for each in fields[:2]]
            if bad <= (codec.limits[field] or 0):
                continue
            changed[field][place] = bad
            with pytest.raises(OverflowError, match=rf"\[{place}\] is {bad}, expected|code\[{place}\]"):
                codec.pack(*changed)
        if codec.channels == 1:
            wrong = noise.astype(np.int64)
            wrong[place] = -7
            with pytest.raises(ValueError, match=rf"^ids\[{place}\] is -7, which is no code of {name}$"):
                codec.unpack(wrong)


def test_unsigned_numbers_are_not_taken_for_negative_ones() -> None:
    # 2^32 - 1 as an instance is not -1, which is none; nor as a code the void of detectron2
    n = 600
    instance = np.arange(n, dtype=np.uint32) % 900
    instance[300] = 2**32 - 1
    with pytest.raises(OverflowError, match=r"instance\[300\] is 4294967295, expected 0 to 999, or -1 for none"):
        get("cityscapes").pack(np.full(n, 26), instance)
    codes = np.arange(n, dtype=np.uint32) * 1000
    codes[300] = 2**32 - 1
    with pytest.raises(ValueError, match=r"ids\[300\] is 4294967295, which is no code of detectron2"):
        get("detectron2").unpack(codes)
    labels = np.arange(n, dtype=np.int32)
    labels[300] = -1
    with pytest.raises(ValueError, match=r"ids\[300\] is -1, which is no code of semantickitti"):
        get("semantickitti").unpack(labels)


@pytest.mark.parametrize("name", NAMES)
def test_fields_of_any_shape(name: str) -> None:
    codec = get(name)
    codes = np.array([code for each, _, code in EXAMPLES if each == name], codec.dtype)
    tail = codes.shape[1:]
    for shape in ((), (0,), (5,), (3, 4), (2, 3, 4), (2, 1, 3, 4)):
        image = np.broadcast_to(codes[0], (*shape, *tail))
        found = codec.unpack(image)
        assert all(np.shape(each) == shape for each in found)
        packed = codec.pack(*found[:2], **dict(zip(codec.fields[2:], found[2:], strict=True)))
        assert packed.shape == image.shape
        assert np.array_equal(packed, image)
        turned = np.array(image.T, order="C").T
        assert np.array_equal(stack(codec.unpack(turned)), stack(found))
        out = np.zeros(image.shape, codec.dtype, order="F")
        if image.ndim:
            assert codec.pack(*found[:2], out=out, **dict(zip(codec.fields[2:], found[2:], strict=True))) is out
            assert np.array_equal(out, image)


@pytest.mark.parametrize("name", NAMES)
def test_codes_of_one_channel_may_have_any_integer_dtype(name: str) -> None:
    codec = get(name)
    for each, fields, code in EXAMPLES:
        if each == name and codec.channels == 1:
            for dtype in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", ">i4"):
                if np.iinfo(dtype).min <= code <= np.iinfo(dtype).max:
                    assert tuple(map(int, codec.unpack(np.array(code, dtype)))) == fields


# ---- limits ----------------------------------------------------------------------------------------------------------

WITH_INSTANCES = [name for name in NAMES if get(name).has_instances]


def fits(codec: Any, *fields: int) -> bool:
    try:
        code = codec.pack(*fields)
    except OverflowError:
        return False
    assert tuple(map(int, codec.unpack(code)))[: len(fields)] == fields
    return True


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_category_fits_and_the_next_does_not(name: str) -> None:
    codec = get(name)
    most = codec.limits[0]
    rest = (codec.no_instance or 0,) if codec.has_instances else ()
    if name in ("cityscapes_panoptic", "vipseg"):  # the largest category is no bare one
        rest = (0,)
    assert fits(codec, most, *rest)
    field = codec.fields[0]
    void = ", or -1 for void" if codec.void == -1 else ""
    for bad in (most + 1, -2, *([2**40] if most < 2**40 else [])):
        with pytest.raises(OverflowError) as caught:
            codec.pack(bad, *rest)
        assert str(caught.value) == f"{field} is {bad}, expected 0 to {most}{void} in {name}"
    with pytest.raises(OverflowError) as caught:
        codec.pack([[most, most + 1, most]], *rest)
    assert str(caught.value).startswith(f"{field}[0, 1] is {most + 1}, expected 0 to {most}")
    assert fits(codec, 0, *([codec.no_instance or 0] if rest else []))


@pytest.mark.parametrize("name", WITH_INSTANCES)
def test_the_largest_instance_fits_and_the_next_does_not(name: str) -> None:
    codec = get(name)
    most = codec.limits[1]
    category = 2 if codec.void != 2 else 3
    if name == "instance_major":
        most -= 1  # with the category the very last does not
    elif name == "mmdetection":
        assert fits(codec, category, most)
    assert fits(codec, category, most)
    with pytest.raises(OverflowError) as caught:
        codec.pack(category, codec.limits[1] + 1)
    least = 1 if name == "scannet" else 0
    bare = ", or -1 for none" if codec.no_instance == -1 else ""
    assert (
        str(caught.value) == f"instance is {codec.limits[1] + 1}, expected {least} to {codec.limits[1]}{bare} in {name}"
    )
    with pytest.raises(OverflowError, match="instance is -2, expected"):
        codec.pack(category, -2)
    assert fits(codec, category, -1) == (codec.no_instance == -1)
    assert fits(codec, category, 0) == (name != "scannet")


@pytest.mark.parametrize(
    ("name", "good", "bad", "message"),
    [
        ("cityscapes", (65, 535), (65, 536), "is 65536, expected at most 65535"),
        ("cityscapes", (1, 0), (0, 2), "is 2, which means category 2 without an instance"),
        ("cityscapes", (999, -1), (999, 0), "is 999000, expected at most 65535"),
        ("cityscapes_instancetrainid", (1, 0), (0, 0), "is 0, which means category 0 without an instance"),
        ("panoptic_parts", (1, 5), (0, 500), "is 500, which means nothing"),
        ("panoptic_parts", (10, 5), (0, 99), "is 99, which means category 99 without an instance"),
        ("vipseg", (124, -1), (125, -1), "is bare, expected categories below 125"),
        ("vipseg", (1, 25), (1, 24), "is 124, which means category 124 without an instance"),
        ("vipseg", (655, 35), (655, 36), "is 65536, expected at most 65535"),
        ("scannet", (65, 535), (65, 536), "is 65536, expected at most 65535"),
        ("detectron2", (2147483, 647), (2147483, 648), "is 2147483648, expected at most 2147483647"),
        ("deeplab2_waymo", (21474, 83647), (21474, 83648), "is 2147483648, expected at most 2147483647"),
        ("nuscenes_panoptic", (65, 535), (65, 536), "is 65536, expected at most 65535"),
        ("mots", (65, 535), (65, 536), "is 65536, expected at most 65535"),
        ("waymo", (65, 534), (65, 535), "is 65535, expected at most 65534"),
        ("mmdetection", (647, 2147483), (648, 2147483), "is 2147483648, expected at most 2147483647"),
    ],
)
def test_a_pair_that_does_not_go_together(name: str, good: Fields, bad: Fields, message: str) -> None:
    codec = get(name)
    assert fits(codec, *good)
    with pytest.raises(OverflowError) as caught:
        codec.pack([good[0], bad[0]], [good[1], bad[1]])
    assert str(caught.value) == f"code[1]: category {bad[0]} with instance {bad[1]} {message} in {name}"


@given(st.sampled_from(WITH_INSTANCES), st.integers(-3, 2**40), st.integers(-3, 2**40))
def test_what_is_packed_comes_back_or_is_refused(name: str, category: int, instance: int) -> None:
    codec = get(name)
    most_category, most_instance = codec.limits
    for c in (category, category % (most_category + 1)):
        for i in (instance, instance % (most_instance + 1), -1):
            if c != codec.void or c >= 0:
                fits(codec, c, i)  # which checks that it comes back


def test_values_beyond_64_bits_do_not_wrap() -> None:
    for value in (2**63, 2**64 - 1):
        with pytest.raises(OverflowError, match=rf"category\[1\] is {value}, expected below 2\^63"):
            get("detectron2").pack(np.array([1, value], np.uint64), 0)
        with pytest.raises(OverflowError, match=rf"ids\[0\] is {value}, expected below 2\^63"):
            get("detectron2").unpack(np.array([value], np.uint64))
    assert get("category_major").pack(9223372036854775, 807) == 2**63 - 1
    with pytest.raises(OverflowError, match="is 9223372036854775808, expected at most 9223372036854775807"):
        get("category_major").pack(9223372036854775, 808)


# ---- void, none, attributes, floats ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_void_is_a_code_and_comes_back(name: str) -> None:
    codec = get(name)
    if codec.void is None:
        assert codec.void_code is None
        return
    assert int(codec.unpack(codec.void_code)[0]) == codec.void
    assert plain(codec.pack(codec.void)) == plain(codec.void_code)


def test_void_codes_of_the_sources() -> None:
    expected = {"coco": (0, 0, 0), "cityscapes": 0, "cityscapes_instancetrainid": 255, "detectron2": -1, "mots": 0,
                "mmdetection": 133,
                "deeplab2_cityscapes": 255000, "deeplab2_semkitti_dvps": 16711680, "pastis": (19, 0),
                "kitti_step": (255, 0, 0), "vistas": 65 * 256, "vistas_v2": 123 * 256, "voc_object": 255,
                "semantickitti": 0, "bdd100k": (0, 0, 0, 0),
                "huggingface_instance": -1, "segments_ai": (0, 0, 0, 255)}  # fmt: skip
    assert {name: plain(get(name).void_code) for name in expected} == expected


def test_no_instance_means_none() -> None:
    assert get("cityscapes").pack([7, 26]).tolist() == [7, 26]
    assert get("detectron2").pack([7, 26]).tolist() == [7000, 26000]
    assert get("kitti_step").pack(7).tolist() == [7, 0, 0]
    assert get("mots").pack(1) == 1000
    found = {
        name: get(name).no_instance
        for name in ("cityscapes", "scannet", "detectron2", "mots", "coco", "ade20k_semantic")
    }
    assert found == {
        "cityscapes": -1,
        "scannet": -1,
        "detectron2": 0,
        "mots": None,
        "coco": None,
        "ade20k_semantic": None,
    }


def test_attributes_of_bdd100k() -> None:
    codec = get("bdd100k")
    for flags in product((False, True), repeat=4):
        given_flags = dict(zip(("truncated", "occluded", "crowd", "ignored"), flags, strict=True))
        code = codec.pack(35, 300, **given_flags)
        assert code[1] == flags[0] * 8 + flags[1] * 4 + flags[2] * 2 + flags[3]
        found = codec.unpack(code)
        assert (int(found.category), int(found.instance)) == (35, 300)
        assert tuple(map(bool, found[2:])) == flags
    crowd = codec.pack([1, 2], 3, crowd=[True, False])
    assert crowd[:, 1].tolist() == [2, 0]
    assert codec.unpack(crowd).crowd.dtype == bool
    with pytest.raises(
        TypeError, match="'blurred' is no attribute in bdd100k, expected truncated, occluded, crowd, ignored"
    ):
        codec.pack(1, 2, blurred=True)
    with pytest.raises(TypeError, match="'crowd' is no attribute in kitti_step, which has no attributes"):
        get("kitti_step").pack(1, 2, crowd=True)
    with pytest.raises(ValueError, match="crowd has int64 other than 0 and 1, expected bools"):
        codec.pack(1, 2, crowd=[2])


def test_parts_of_panoptic_parts() -> None:
    codec = get("panoptic_parts")
    # exhaustive: every number of digits, from format.py: 1 and 2, 4 and 5, 6 and 7 are codes, 3 and 8 none
    codes = np.r_[0:100, 1000:100_000, 100_000:10_000_000:37]
    found = codec.unpack(codes)
    assert np.array_equal(codec.pack(*found), codes)
    assert (found.part >= 0).tolist() == (codes > 99_999).tolist()
    for bad in (100, 999, -1, 10_000_000):
        with pytest.raises(ValueError, match=f"is {bad}, which is no code of panoptic_parts"):
            codec.unpack([bad])
    for part in (100, -2):
        with pytest.raises(
            OverflowError, match=rf"part\[1\] is {part}, expected 0 to 99, or -1 for none in panoptic_par"
        ):
            codec.pack(24, 10, [2, part])
    with pytest.raises(
        OverflowError, match="category 24 with instance -1 has no instance, but a part in panoptic_parts"
    ):
        codec.pack(24, -1, 2)
    with pytest.raises(TypeError, match="part was given, and cityscapes has no parts"):
        get("cityscapes").pack(24, 10, 2)
    with pytest.raises(
        ValueError, match=r"is 2401002, with a part, which cityscapes has no place for; .*=True drops it"
    ):
        convert([2401002], "panoptic_parts", "cityscapes")
    assert convert([2401002, 23], "panoptic_parts", "cityscapes", allow_loss=True).tolist() == [24010, 23]
    # a segment id is the code, as in the official files: nothing is lost
    assert convert([2401002, 0], "panoptic_parts", "coco").tolist() == [[234, 162, 36], [0, 0, 0]]
    assert convert(convert(codes, "panoptic_parts", "coco"), "coco", "panoptic_parts").tolist() == codes.tolist()
    # attributes are no parts, nor parts attributes
    occluded = get("bdd100k").pack(35, 5, occluded=True)
    with pytest.raises(ValueError, match="with attributes, which panoptic_parts has no place for"):
        convert(occluded, "bdd100k", "panoptic_parts")
    with pytest.raises(ValueError, match="with a part, which bdd100k has no place for"):
        convert([2401002], "panoptic_parts", "bdd100k")
    assert convert([2401002], "panoptic_parts", "bdd100k", allow_loss=True).tolist() == [[24, 0, 0, 11]]
    with pytest.raises(ValueError, match="part_divisor is 100, expected 1 to 255, and bare_below"):
        get("waymo").replace(part_divisor=100)


def test_hugging_face_s_maps_of_floats_are_read() -> None:
    found = get("huggingface_instance").unpack(np.array([[-1.0, 0, 2]], np.float32))
    assert found.segment.tolist() == [[-1, 0, 2]]
    for bad in (0.5, np.nan, np.inf, 2.0**31):
        with pytest.raises(ValueError, match=r"ids\[0, 1\] is .*, which is no code of huggingface_panoptic"):
            get("huggingface_panoptic").unpack(np.array([[1.0, bad]], np.float32))
    with pytest.raises(TypeError, match="ids has dtype float32, expected integers"):
        get("cityscapes").unpack(np.zeros(3, np.float32))


def test_a_map_without_segments_of_hugging_face_is_void() -> None:
    # where nothing passes the threshold it is of -1, and of floats; that was an error
    for dtype in (np.float32, np.int32, np.int64):
        nothing = np.full((2, 3), -1, dtype)
        assert not get("huggingface_panoptic").unpack(nothing).segment.any()
        assert not convert(nothing, "huggingface_panoptic", "coco").any()
        assert (nothing == -1).all()
    with pytest.raises(ValueError, match=r"ids\[0\] is -2, which is no code of huggingface_panoptic"):
        get("huggingface_panoptic").unpack([-2])


@pytest.mark.parametrize(
    ("name", "codes", "error", "message"),
    [
        (
            "kitti_step",
            np.zeros((4, 4, 4), np.uint8),
            ValueError,
            "ids has shape (4, 4, 4), expected (..., 3) in kitti",
        ),
        ("bdd100k", np.zeros((4, 4, 3), np.uint8), ValueError, "ids has shape (4, 4, 3), expected (..., 4) in bdd100k"),
        ("kitti_step", np.zeros((4, 3), np.uint16), TypeError, "ids has dtype uint16, expected uint8 in kitti_step"),
        ("pastis", np.zeros((4, 2), np.int64), TypeError, "ids has dtype int64, expected int32 in pastis"),
        ("coco", np.uint8(3), ValueError, "ids has shape (), expected (..., 3) in coco"),
        ("cityscapes", "abc", TypeError, "ids has dtype"),
    ],
)
def test_what_are_no_codes_is_refused(name: str, codes: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        get(name).unpack(codes)
    assert str(caught.value).startswith(message)


def test_shapes_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^category has shape \(3,\), instance has shape \(2,\), which do not go together$"
    ):
        get("cityscapes").pack([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match=r"out has shape \(2,\), expected \(3,\)"):
        get("cityscapes").pack([1, 2, 3], out=np.zeros(2, np.uint16))
    with pytest.raises(TypeError, match="out has dtype int32, expected uint16"):
        get("cityscapes").pack([1, 2, 3], out=np.zeros(3, np.int32))


def test_encodings_can_be_changed() -> None:
    waymo = get("waymo").replace(divisor=100)
    assert waymo.pack(9, 12) == 912
    assert get("waymo").pack(9, 12) == 9012
    assert tuple(map(int, get("category_major").replace(divisor=256).unpack(14083))) == (55, 3)
    assert get("mmdetection").replace(void=80).void_code == 80
    for changes in (
        {"divisor": 0},
        {"major": "both"},
        {"void": 66},
        {"void": -1},
        {"first_instance": 2},
        {"channels": 5},
    ):
        with pytest.raises(ValueError, match="waymo: "):
            get("waymo").replace(**changes)
    with pytest.raises(ValueError, match="vipseg: void is 125, expected a bare one, below 125"):
        get("vipseg").replace(void=125)
    with pytest.raises(ValueError, match="bare_below is 125, expected 0 where the instance is major"):
        get("mmdetection").replace(bare_below=125)
    for dtype in ("float32", ">u2"):
        with pytest.raises(TypeError, match=rf"dtype is '{dtype}', expected integers in native byte order"):
            get("waymo").replace(dtype=dtype)
    assert get("waymo").replace(dtype="uint32", divisor=100_000, most_code=None).pack(9, 12) == 900_012
    # instances of 15 bits fit int32; the bits of larger ones are its sign, and come back
    signed = get("semantickitti").replace(dtype="int32")
    codes = signed.pack([10, 10], [3, 65535])
    assert codes.tolist() == [196618, 196618 + (65532 << 16) - 2**32]
    assert signed.unpack(codes).instance.tolist() == [3, 65535]


@pytest.mark.parametrize(
    ("name", "changes", "error", "message"),
    [
        ("semantickitti", {"dtype": "uint16"}, ValueError, "instance has 16 bits from 16 on, expected some of 16"),
        ("semantickitti", {"instance": (8, 16)}, ValueError, "instance has bits that another field has, too"),
        ("semantickitti", {"category": (-1, 8)}, ValueError, "category has 8 bits from -1 on, expected some of 32"),
        ("semantickitti", {"category": (0, 8, 1)}, TypeError, "category is (0, 8, 1), expected two or five integers"),
        ("semantickitti", {"category": (0, 8.0)}, TypeError, "category is (0, 8.0), expected two or five integers"),
        ("ade20k_full", {"category": (8, 8, 0, 8, 0)}, ValueError, "category has scale 0, expected 1 to 2147483647"),
        ("semantickitti", {"most_category": 65536}, ValueError, "most_category is 65536, expected 0 to 65535, which"),
        ("semantickitti", {"most_instance": -1}, ValueError, "most_instance is -1, expected 0 to 65535, which its"),
        ("semantickitti", {"most_code": 100}, ValueError, "expected neither a void of -1 nor most_code where"),
        ("pastis", {"void": -1}, ValueError, "expected neither a void of -1 nor most_code where fields are bits"),
        ("pastis", {"segment_divisor": -1}, ValueError, "segment_divisor is -1, expected 0 or more"),
        ("waymo_lidar", {"segment_divisor": 2**40}, ValueError, "segment_shift is 0, expected 0 or more, and segment"),
        ("bdd100k", {"attributes": (("a", 8), ("a", 9))}, ValueError, "attribute 'a', expected different names that"),
        ("bdd100k", {"attributes": (("out", 8),)}, ValueError, "attribute 'out', expected different names that are"),
        ("bdd100k", {"attributes": (("a", 3),)}, ValueError, "a has bits that another field has, too"),
        ("bdd100k", {"attributes": (("a", 32),)}, ValueError, "a has 1 bits from 32 on, expected some of 32"),
        (
            "semantickitti",
            {"instance": (16, 2), "attributes": (("a", 18), ("b", 26))},
            ValueError,
            "attributes have bits 18 to 26, expected eight at most",
        ),
        ("waymo", {"dtype": "uint8"}, ValueError, "most_code is 65534, expected 0 to 255, which its dtype holds"),
        ("scannet_instance", {"most_code": 300}, ValueError, "most_code is 300, expected 0 to 255, which its dtype"),
        ("waymo", {"divisor": 100.5}, TypeError, "divisor is 100.5, expected an integer"),
        ("waymo", {"divisor": 2**63}, ValueError, "divisor is 9223372036854775808, expected less than 2^63"),
        ("waymo", {"void": "0"}, TypeError, "void is '0', expected an integer"),
        ("waymo", {"segment_shift": -1}, ValueError, "segment_shift is -1, expected 0 or more, and segment ids below"),
        ("category_major", {"segment_shift": 1}, ValueError, "segment_shift is 1, expected 0 or more, and segment ids"),
        ("category_major", {"bare_below": 2**62}, ValueError, "bare_below is 4611686018427387904, expected 0 to 92233"),
        ("panoptic_parts", {"part_divisor": 99}, ValueError, "part_divisor is 99, expected at least 100, lest codes"),
        ("segments_ai", {"constant": 255}, ValueError, "constant is 0xff, expected the highest bits of a code"),
        ("segments_ai", {"constant": 2**32}, ValueError, "constant is 0x100000000, expected the highest bits of a"),
        ("tensorbay", {"empty": 7}, ValueError, "empty is 7, expected void, too, as which it is read"),
    ],
)
def test_encodings_that_would_write_wrong_codes_are_refused(
    name: str, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    # most of these wrapped or lost bits without a word
    with pytest.raises(error) as caught:
        get(name).replace(**changes)
    assert str(caught.value).startswith(f"{name}: {message}")


def test_bare_codes_that_the_dtype_does_not_hold_are_refused() -> None:
    codec = get("cityscapes").replace(dtype="uint8")  # wrote 231 for 999
    assert codec.limits == (255, 255)
    assert codec.pack(255) == 255
    with pytest.raises(OverflowError, match="category is 256, expected 0 to 255 in cityscapes"):
        codec.pack(256)
    wide = get("panoptic_parts").replace(most_code=2**31 - 1)  # from 100000 on a code has a part
    assert wide.limits == (99, 999)
    with pytest.raises(OverflowError, match="category is 100, expected 0 to 99 in panoptic_parts"):
        wide.pack(100, 5)


@given(st.data())
def test_what_encodings_of_one_s_own_write_they_read(data: Any) -> None:
    numbers = st.sampled_from([1, 2, 3, 7, 100, 256, 1000, 65536, 2**31 - 1, 2**31, 2**33])
    bits = st.sampled_from([1, 4, 8, 16, 31, 32])
    common: dict[str, Any] = {
        "name": "mine",
        "dtype": data.draw(st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])),
        "channels": data.draw(st.sampled_from([1, 1, 2, 4])),
        "void": data.draw(st.sampled_from([None, 0, -1, 255])),
        "first_instance": data.draw(st.integers(0, 1)),
    }
    kind = data.draw(st.sampled_from(["segment", "category", "instance", "bare", "fields"]))
    try:
        if kind == "segment":
            codec: Any = codecs.SegmentCodec(constant=data.draw(st.sampled_from([0, 0x80, 0xFF000000])), **common)
        elif kind == "fields":
            low, high, other = data.draw(st.tuples(bits, bits, bits))
            category = data.draw(
                st.sampled_from([(0, low), (0, low, low + other, high, 1), (0, low, low + other, high, 3)])
            )
            codec = codecs.FieldCodec(category=category, instance=(low, other), **common)
        elif kind == "bare":
            bare = data.draw(st.sampled_from([1, 100, 1000, 2**31, 2**40]))
            codec = codecs.DivisorCodec(divisor=data.draw(numbers), bare_below=bare, **common)
        else:
            codec = codecs.DivisorCodec(divisor=data.draw(numbers), major=kind, **common)  # type: ignore[arg-type]
    except ValueError:
        return
    fields = []
    for most in codec.limits[: 1 + codec.has_instances]:
        some = st.integers(-2, min(most + 2, 2**63 - 1)) | st.integers(0, min(most, 300))
        fields.append(data.draw(st.lists(some, min_size=12, max_size=12)))
    columns = [np.resize(np.array(each), 700) for each in fields]
    try:
        codes = codec.pack(*columns)
    except OverflowError:
        return
    found = codec.unpack(codes)
    is_void = columns[0] == -1
    for given_field, each in zip(columns, found, strict=True):
        assert (is_void | (given_field == each)).all()


@pytest.mark.parametrize(
    "codec",
    [
        codecs.SegmentCodec(name="mine", dtype="uint32"),
        codecs.SegmentCodec(name="mine", dtype="uint8", channels=4),
        codecs.CategoryCodec(name="mine", dtype="uint32"),
        codecs.DivisorCodec(name="mine", dtype="uint32", divisor=1),
        codecs.DivisorCodec(name="mine", dtype="uint32", divisor=1, major="instance"),
        codecs.FieldCodec(name="mine", dtype="uint32", channels=2, category=(0, 32), instance=(32, 32)),
        codecs.FieldCodec(name="mine", dtype="uint64", category=(0, 31), instance=(31, 32)),
    ],
)
def test_fields_beyond_31_bits_come_back(codec: Any) -> None:
    # they came back as negative int32
    most = codec.limits
    fields = [min(2**31, most[0]), *([min(2**31, most[1])] if codec.has_instances else [])]
    if codec.has_instances and codec.channels == 1 and codec.dtype == "uint32":
        fields = [fields[0], 0] if codec.major == "category" else [0, fields[1]]
    found = codec.unpack(codec.pack(*fields))
    assert max(fields) == 2**31
    assert [int(each) for each in found] == fields


def test_attributes_of_any_name() -> None:
    codec = codecs.FieldCodec(
        name="mine", dtype="uint16", category=(0, 8), instance=(8, 4), attributes=(("moving", 15), ("far", 12))
    )
    code = codec.pack([3, 4], [1, 15], moving=[True, False], far=True)
    assert code.tolist() == [3 + (1 << 8) + (1 << 15) + (1 << 12), 4 + (15 << 8) + (1 << 12)]
    found = codec.unpack(code)  # only those of BDD100K could be read
    assert found._fields == codec.fields == ("category", "instance", "moving", "far")
    assert [each.tolist() for each in found] == [[3, 4], [1, 15], [True, False], [True, True]]


def test_codes_of_several_channels_may_be_of_the_other_byte_order() -> None:
    for name in ("pastis", "waymo_lidar", "deeplab2_numpy"):
        pixels = np.array([[3, 2], [300, 70000]], ">i4") if name != "pastis" else np.array([[3, 2]], ">i4")
        expected = get(name).unpack(pixels.astype("i4"))
        assert np.array_equal(stack(get(name).unpack(pixels)), stack(expected))


@pytest.mark.parametrize("name", NAMES)
def test_codecs_are_pickled_also_after_use(name: str) -> None:
    codec = get(name)
    codec.unpack(np.array([], codec.dtype).reshape((0, codec.channels) if codec.channels > 1 else 0))
    for again in (pickle.loads(pickle.dumps(codec)), copy.deepcopy(codec)):
        assert again == codec
        assert again.pack(1).tolist() == codec.pack(1).tolist()


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError, match="'pets' is no encoding; there are coco, coconut, "):
        get("pets")
    with pytest.raises(KeyError, match=r"'cityscape' is no encoding; did you mean cityscapes or cityscapes_\w+ or"):
        get("cityscape")


# ---- conversion ------------------------------------------------------------------------------------------------------

NO_CODE = object()


def naive_segment(codec: Codec, fields: Fields, code: Any) -> int:
    """The segment id of a code that is not void, from 1; 0 where there is none to be had."""
    if codec.fields == ("segment",):
        return fields[0] - codec.first_instance + 1
    if isinstance(codec, codecs.FieldCodec):
        return fields[0] * codec.segment_divisor + fields[1] + codec.segment_shift
    return (rgb_number(code) if codec.channels == 3 else code) + codec.segment_shift


def naive_convert(source: Codec, target: Codec, code: Any) -> Any:
    """What a code becomes, by way of fields in Python; NO_CODE where that is an error or a loss."""
    if not is_code(source.name, code):
        return NO_CODE
    fields = READERS[source.name](code)
    if source.void is not None and fields[0] == source.void:
        return NO_CODE if target.void is None else plain(target.void_code)
    if source.name == "panoptic_parts":  # a segment id is the code with its part
        if fields[2] >= 0 and target.name != source.name and target.fields != ("segment",):
            return NO_CODE
        if target.name != source.name:
            fields = fields[:2]
    elif any(fields[2:]) and target.fields[2:] != source.fields[2:]:
        return NO_CODE
    segment = naive_segment(source, fields, code)
    if segment <= 0 and "segment" in (source.fields[0], target.fields[0]):
        return NO_CODE
    if source.fields == ("segment",) and target.fields != ("segment",):
        if isinstance(target, codecs.FieldCodec):
            raw = segment - target.segment_shift
            new: Fields = (raw // target.segment_divisor, raw % target.segment_divisor)
        else:
            number = segment - target.segment_shift
            written: Any = number
            if target.channels == 3:
                if not 0 <= number < 2**24:
                    return NO_CODE
                written = tuple(id2rgb(number))
            bits = 8 * np.dtype(target.dtype).itemsize
            if number < 0 or (target.channels == 1 and number >= 2**bits) or not is_code(target.name, written):
                return NO_CODE
            new = READERS[target.name](written)
    elif target.fields == ("segment",):
        new = (segment - 1 + target.first_instance,)
    else:
        is_none = len(fields) == 1 or fields[1] < source.first_instance
        instance = target.no_instance or 0
        if not is_none:
            instance = fields[1] - source.first_instance + target.first_instance
        if not target.has_instances:
            if not is_none:
                return NO_CODE
            new = (fields[0],)
        else:
            new = (fields[0], instance, *(fields[2:] if target.fields == source.fields else ()))
    if new[0] < 0 or new[0] == target.void:
        return NO_CODE
    try:
        return plain(pack(target, new[: len(target.fields)]))
    except OverflowError:
        return NO_CODE


@pytest.mark.parametrize("source", NAMES)
def test_conversion_of_everything_to_everything(source: str) -> None:
    first = get(source)
    every = sample(source)
    picks = np.linspace(0, len(every) - 1, 25).astype(int)
    given = [code for name, _, code in EXAMPLES if name == source]
    codes = [*map(plain, every[picks]), *given, *([plain(first.void_code)] if first.void is not None else [])]
    for target in NAMES:
        second = get(target)
        if isinstance(first, codecs.SegmentCodec) and getattr(second, "segment_divisor", 1) == 0:
            with pytest.raises(ValueError, match="segment ids say nothing of categories, which bdd100k needs"):
                convert(np.array(codes, first.dtype), source, target)
            continue
        good: list[Any] = []
        wrong: list[Any] = []
        for code in codes:
            expected = naive_convert(first, second, code)
            typed = np.array(code, first.dtype)
            if expected is NO_CODE:
                with pytest.raises((OverflowError, ValueError)) as caught:
                    convert(typed, source, target)
                assert str(caught.value).startswith(f"ids is {code}, ")
                wrong.append(code)
            else:
                found = convert(typed, source, target)
                assert found.dtype == np.dtype(second.dtype)
                assert plain(found) == expected, (source, target, code)
                good.append((code, expected))
        check_noise(first, second, good, wrong)


def check_noise(first: Codec, second: Codec, good: list[Any], wrong: list[Any]) -> None:
    """Codes in noise become what each does alone, or the place of a wrong one is named."""
    if not good:
        return
    rng = np.random.default_rng(3)
    picks = rng.integers(0, len(good), 1100)
    noise = np.array([good[i][0] for i in picks], first.dtype)
    try:
        found = convert(noise, first, second)
    except ValueError as error:  # which alone they do not
        if "both become" not in str(error):
            raise
        return
    assert np.array_equal(found, np.array([good[i][1] for i in picks], second.dtype))
    assert np.array_equal(convert(np.repeat(noise, 30, axis=0), first, second)[::30], found)  # as runs
    if wrong:
        place = int(rng.integers(0, len(noise)))
        noise[place] = wrong[int(rng.integers(0, len(wrong)))]
        with pytest.raises((OverflowError, ValueError), match=rf"^ids\[{place}\] is |both become"):
            convert(noise, first, second)


@pytest.mark.parametrize(
    ("source", "target"),
    [("cityscapes", "detectron2"), ("category_major", "kitti_step"), ("kitti_step", "category_major")],
)
@pytest.mark.parametrize("n_codes", [1, 300, 5000])
def test_a_code_among_many_becomes_what_it_does_alone(source: str, target: str, n_codes: int) -> None:
    # 5000 are more than what the C core remembers of those it met
    rng = np.random.default_rng(n_codes)
    categories, instances = rng.integers(1, 34, n_codes), rng.integers(1, 900, n_codes)
    codes = get(source).pack(categories, instances)
    expected = np.stack([convert(code, source, target) for code in codes])
    picks = rng.integers(0, n_codes, (100, 200))
    assert np.array_equal(convert(codes[picks], source, target), expected[picks])


@pytest.mark.parametrize("name", NAMES)
def test_conversion_to_itself_changes_nothing(name: str) -> None:
    codec = get(name)
    codes = np.array([code for each, fields, code in EXAMPLES if each == name and fields[0] != codec.void], codec.dtype)
    assert np.array_equal(convert(codes, name, name), codes)


def test_the_background_of_voc_is_no_void() -> None:
    objects = np.array([[0, 1], [2, 255]], np.uint8)
    with pytest.raises(
        ValueError, match=r"ids\[0, 0\] is 0, which would be void in coco; allow_loss=True permits that"
    ):
        convert(objects, "voc_object", "coco")
    found = convert(objects, "voc_object", "coco", allow_loss=True)
    assert found[..., 0].tolist() == [[0, 1], [2, 0]]
    classes = np.array([[0, 15], [20, 255]], np.uint8)
    assert convert(classes, "voc_class", "coco")[..., 0].tolist() == [[1, 16], [21, 0]]
    assert np.array_equal(convert(convert(classes, "voc_class", "coco"), "coco", "voc_class"), classes)


def test_the_official_conversions() -> None:
    # detectron2's evaluator adds 1 before id2rgb: 60002 -> 60003 = 99 + 234 * 256, void -1 -> 0
    assert convert([60002, -1], "detectron2", "coco").tolist() == [[99, 234, 0], [0, 0, 0]]
    # createPanopticImgs.py writes instanceIds as they are
    assert convert([26002, 26, 0], "cityscapes", "coco").tolist() == [[146, 101, 0], [26, 0, 0], [0, 0, 0]]
    # to_coco_panseg.py: R = A, G = B
    assert convert(np.array([[35, 0, 1, 44]], np.uint8), "bdd100k", "coco").tolist() == [[44, 1, 0]]
    # the stuff class 0 of mmdetection would be void
    with pytest.raises(ValueError, match=r"ids\[0\] is 0, which would be void in coco; allow_loss=True permits that"):
        convert([0], "mmdetection", "coco")
    # the third car; a group of cars; road: from 0 to from 1
    assert convert([26002, 26, 7], "cityscapes", "deeplab2_cityscapes").tolist() == [26003, 26000, 7000]
    # train ids without a shift would make road void
    assert convert([0, 13, 255], "cityscapes_trainid", "coco").tolist() == [[1, 0, 0], [14, 0, 0], [0, 0, 0]]
    assert convert([0, 255000], "deeplab2_cityscapes", "coco").tolist() == [[1, 0, 0], [0, 0, 0]]
    assert convert(
        convert([0, 255000, 13300], "deeplab2_cityscapes", "coco"), "coco", "deeplab2_cityscapes"
    ).tolist() == [
        0,
        255000,
        13300,
    ]


def test_categories_are_mapped() -> None:
    to_train = {26: 13, 7: 0, 24: 11, 4: None}
    ids = np.array([[26002, 26, 7], [24000, 4, 0]], np.int32)
    expected = [[13003, 13000, 0], [11001, 255000, 255000]]
    assert convert(ids, "cityscapes", "deeplab2_cityscapes", category_map=to_train).tolist() == expected
    with pytest.raises(ValueError, match=r"ids\[1\] is 33001, of category 33, which is not in category_map"):
        convert([26002, 33001], "cityscapes", "deeplab2_cityscapes", category_map=to_train)
    with pytest.raises(
        ValueError, match=r"ids\[0\] is 4, which would be void in deeplab2_cityscapes; None in category_map or allow"
    ):
        convert([4], "cityscapes", "deeplab2_cityscapes", category_map={4: 255})
    with pytest.raises(ValueError, match="category_map has category -1, expected 0 or more, or None for void"):
        convert([4], "cityscapes", "detectron2", category_map={4: -1})
    for bad, error in (({1: -1}, ValueError), ({-1: 1}, ValueError), ({1: "a"}, TypeError), ([1], TypeError)):
        with pytest.raises(error, match="category_map"):
            convert([1], "cityscapes", "detectron2", category_map=bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="category_map: coco and detectron2 do not both have categories"):
        convert(np.zeros((1, 3), np.uint8), "coco", "detectron2", category_map={1: 2})


def test_categories_of_noise_are_mapped() -> None:
    rng = np.random.default_rng(9)
    mapping = {26: 13, 7: 0, 24: 11, 4: None}
    pool = np.array([26002, 26, 7, 24000, 24900, 4, 0, 26777])
    ids = pool[rng.integers(0, len(pool), 3000)]
    alone = {int(x): int(convert(x, "cityscapes", "deeplab2_cityscapes", category_map=mapping)) for x in pool}
    expected = [alone[x] for x in ids.tolist()]
    assert convert(ids, "cityscapes", "deeplab2_cityscapes", category_map=mapping).tolist() == expected
    ids[2049] = 33001
    with pytest.raises(ValueError, match=r"ids\[2049\] is 33001, of category 33, which is not in category_map"):
        convert(ids, "cityscapes", "deeplab2_cityscapes", category_map=mapping)


def test_attributes_of_noise_are_kept_or_dropped() -> None:
    rng = np.random.default_rng(10)
    fields = [rng.integers(0, 41, 3000), rng.integers(1, 900, 3000), *rng.integers(0, 2, (4, 3000)).astype(bool)]
    codec = get("bdd100k")
    pixels = codec.pack(*fields[:2], **dict(zip(codec.fields[2:], fields[2:], strict=True)))
    assert np.array_equal(stack(codec.unpack(pixels)), stack(fields))
    expected = np.where(fields[0][:, None] == 0, 0, pixels)  # void is written as it is
    assert np.array_equal(convert(pixels, "bdd100k", "bdd100k"), expected)
    found = convert(pixels, "bdd100k", "detectron2", allow_loss=True)
    assert np.array_equal(found, np.where(fields[0] == 0, -1, fields[0] * 1000 + fields[1]))
    with pytest.raises(ValueError, match=r"^ids\[\d\] is .*, with attributes, which detectron2 has no place for"):
        convert(pixels, "bdd100k", "detectron2")


def test_segments_that_become_one_are_named() -> None:
    merged = {26: 1, 27: 1, 7: 2}
    message = r"ids 26001 and 27001 both become 1002 in detectron2; allow_loss=True permits that"
    ids = np.array([[7, 26001], [27001, 27002]])
    with pytest.raises(ValueError, match=message):
        convert(ids, "cityscapes", "detectron2", category_map=merged)
    found = convert(ids, "cityscapes", "detectron2", category_map=merged, allow_loss=True)
    assert found.tolist() == [[2000, 1002], [1002, 1003]]
    # only those that are there
    assert convert([26001, 27002], "cityscapes", "detectron2", category_map=merged).tolist() == [1002, 1003]
    # none, and the first, where the target cannot tell them apart
    with pytest.raises(ValueError, match="ids 26 and 26000 both become 26000 in mots"):
        convert([26000, 26], "cityscapes", "mots")
    assert convert([26, 7], "cityscapes", "mots").tolist() == [26000, 7000]
    # two categories with one id in BDD100K, whose COCO id is that alone
    pixels = np.array([[31, 0, 0, 5], [32, 0, 0, 5]], np.uint8)
    with pytest.raises(ValueError, match=r"ids \(31, 0, 0, 5\) and \(32, 0, 0, 5\) both become \(5, 0, 0\) in coco"):
        convert(pixels, "bdd100k", "coco")
    # what becomes void has not become one
    assert convert([26001, 27001], "cityscapes", "detectron2", category_map={26: None, 27: None}).tolist() == [-1, -1]


def test_what_is_lost_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"ids\[0, 1\] is 26001, with an instance, which cityscapes_labelid has no place"
    ):
        convert([[7, 26001]], "cityscapes", "cityscapes_labelid")
    assert convert([[7, 26001]], "cityscapes", "cityscapes_labelid", allow_loss=True).tolist() == [[7, 26]]
    pixel = np.array([[35, 4, 1, 44]], np.uint8)
    with pytest.raises(
        ValueError, match=r"ids\[0\] is \(35, 4, 1, 44\), with attributes, which detectron2 has no place"
    ):
        convert(pixel, "bdd100k", "detectron2")
    assert convert(pixel, "bdd100k", "detectron2", allow_loss=True).tolist() == [35300]
    with pytest.raises(ValueError, match=r"ids\[0\] is 7000, which would be void in mmdetection|category 7"):
        convert([7000], "detectron2", get("mmdetection").replace(void=7))
    assert convert([7000], "detectron2", get("mmdetection").replace(void=7), allow_loss=True).tolist() == [7]
    with pytest.raises(OverflowError, match=r"ids\[0\] is 0, which is void, and tensorbay cannot say void"):
        convert([0], "cityscapes", "tensorbay", allow_loss=True)


@pytest.mark.parametrize(
    ("ids", "source", "target", "message"),
    [
        ([256000], "detectron2", "vistas", "its categories go to 255"),
        ([1300], "detectron2", "vistas", "its instances go to 255"),
        ([65999], "detectron2", "nuscenes_panoptic", "its codes go to 65535"),
        ([70000], "detectron2_segments", "cityscapes", "its codes go to 65535"),
        ([2**24], "detectron2_segments", "coco", "its categories go to 16777215"),
    ],
)
def test_what_the_target_has_no_code_for_is_named(ids: list[int], source: str, target: str, message: str) -> None:
    with pytest.raises(OverflowError) as caught:
        convert(ids, source, target, allow_loss=True)
    assert str(caught.value) == f"ids[0] is {ids[0]}, which {target} has no code for; {message}"


def test_conversion_of_any_shape_into_any_memory() -> None:
    rng = np.random.default_rng(1)
    ids = rng.choice([0, 7, 26, 26000, 26001, 33998], (3, 5, 700)).astype(np.uint16)
    expected = convert(ids, "cityscapes", "detectron2")
    assert expected.shape == ids.shape
    rgb = convert(ids, "cityscapes", "cityscapes_panoptic")
    assert np.array_equal(rgb, id2rgb(ids))
    for each in (
        np.asfortranarray(ids),
        ids[:, ::-1][:, ::-1],
        np.repeat(ids, 2, axis=2)[:, :, ::2],
        ids.astype(">i8"),
    ):
        out = np.zeros((3, 5, 700, 2), np.int32)[..., 1]
        assert convert(each, "cityscapes", "detectron2", out=out) is out
        assert np.array_equal(out, expected)
    assert np.array_equal(convert(np.asfortranarray(rgb), "cityscapes_panoptic", "detectron2"), expected)
    in_place = ids.astype(np.int32)
    convert(in_place, "cityscapes", "detectron2", out=in_place)
    assert np.array_equal(in_place, expected)
    assert convert(26002, "cityscapes", "detectron2") == 26003
    assert convert(np.zeros((0, 4), np.uint16), "cityscapes", "coco").shape == (0, 4, 3)


def test_coco_segments_become_codes_by_their_categories() -> None:
    segments = {3937500: 26, 7: 26, 9: 7}
    codec = get("cityscapes")
    codes = codec.pack(list(segments.values()), [0, 1, -1])
    ids = np.array([[7, 9], [3937500, 0]])
    found = relabel(ids, (list(segments), codes), preserve=0, dtype=codec.dtype)
    assert found.tolist() == [[26001, 7], [26000, 0]]


@pytest.mark.parametrize(
    ("ids", "source"),
    [
        (np.array([[1, 255]], np.uint8), "scannet_instance"),
        (np.array([[1, -5]]), "detectron2_segments"),
        (np.array([[1, -1]]), "cityscapes"),
    ],
)
def test_what_is_no_code_of_the_source_is_named_with_its_place(ids: NDArray[Any], source: str) -> None:
    # for encodings of segments the place was missing
    with pytest.raises(ValueError, match=rf"^ids\[0, 1\] is {ids[0, 1]}, which is no code of {source}$"):
        convert(ids, source, "coco")


def test_what_are_no_codecs_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a codec or its name, found int"):
        convert([1], 3, "coco")  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="is no encoding"):
        convert([1], "coco", "cocos")


def test_threads_change_nothing_in_large_maps() -> None:
    rng = np.random.default_rng(2)
    runs = rng.integers(1, 60, 250_000)
    ids = np.repeat(rng.choice([0, 7, 26, 26001, 26003, 33210], len(runs)), runs)[: 2 * 1024 * 2048]
    ids = ids.reshape(2, 1024, 2048).astype(np.uint16)
    wrong = ids.copy()
    wrong[1, 5, 6:] = 26300
    before = panomask.get_num_threads()
    results = []
    try:
        for threads in (1, 3):
            panomask.set_num_threads(threads)
            codec = get("cityscapes")
            found = codec.unpack(ids)
            results.append([*found, codec.pack(*found), convert(ids, "cityscapes", "kitti_step")])
            with pytest.raises(OverflowError, match=r"ids\[1, 5, 6\] is 26300, which vistas has no code for"):
                convert(wrong, "cityscapes", "vistas", allow_loss=True)
    finally:
        panomask.set_num_threads(before)
    assert np.array_equal(results[0][2], ids)
    for a, b in zip(*results, strict=True):
        assert np.array_equal(a, b)


def test_the_picture_of_the_documentation_has_what_the_codecs_say() -> None:
    if not draw_encodings.PICTURE.exists():
        pytest.skip("the documentation is not here")
    found = draw_encodings.PICTURE.read_text(encoding="utf-8")
    assert found == draw_encodings.draw(), "run tests/draw_encodings.py"


def test_the_table_of_the_documentation_is_that_of_the_registry() -> None:
    page = write_encodings.PAGE
    if not page.is_file():
        pytest.skip("the documentation is not here")
    found = write_encodings.SECTION.search(page.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == write_encodings.table(), "run tests/write_encodings.py"


def test_every_encoding_names_its_source() -> None:
    for name in NAMES:
        codec = get(name)
        assert codec.note
        assert name in ("category_major", "instance_major") or codec.source.startswith("https://")
