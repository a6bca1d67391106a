"""Benchmarks of overlap: IoU of all pairs of an image, of a pool of masks that no image bounds, of a data set."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from data_set import DataSet, make_data_set
from inputs import POOL_INPUT

from panomask.overlap import iou_grouped


@pytest.mark.parametrize("operation", ["iou"])
def test_overlap(compare: Callable[[str], None], operation: str) -> None:
    compare(operation)


@pytest.mark.parametrize("input_name", [POOL_INPUT.name])
def test_pool(compare: Callable[[str], None], input_name: str) -> None:
    compare("iou")


def in_one_call(data: DataSet) -> Any:
    """Compare the masks of all images at once."""
    return iou_grouped(data.dt[:], data.gt[:], data.dt_offsets, data.gt_offsets, data.iscrowd)[0]


def image_by_image(data: DataSet) -> Any:
    """Do the same with a loop in Python."""
    slices = [[slice(*pair) for pair in pairwise(offsets.tolist())] for offsets in (data.dt_offsets, data.gt_offsets)]
    ious = [data.dt[dt].iou(data.gt[gt], data.iscrowd[gt]).ravel() for dt, gt in zip(*slices, strict=True)]
    return np.concatenate(ious)


@pytest.mark.parametrize("function", [in_one_call, image_by_image])
def test_overlap_of_a_data_set(benchmark: Any, function: Callable[[DataSet], Any]) -> None:
    data = make_data_set()
    benchmark.group = "IoU of a data set"
    assert (benchmark(function, data) == image_by_image(data)).all()
