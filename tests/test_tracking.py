"""VPQ and STQ: equal to their oracles, and frames merge."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import quality_oracles as oracles
from panomask.panoptic.tracking import TrackingQuality, VideoPanopticQuality

CATEGORIES = [{"id": 1, "isthing": 1}, {"id": 4, "isthing": 1}, {"id": 2, "isthing": 0}]
IDS = [1, 4, 2]
Image = dict[str, Any]


# ---- VPQ ------------------------------------------------------------------------------------------------------------


def video(rng: np.random.Generator, length: int) -> list[Image]:
    """Rectangles that move, with some ids that change, crowds and void."""
    n = 6
    category = rng.choice(IDS, 20)
    crowd = rng.random(20) < 0.25
    places = rng.integers(0, 9, (n, 2))
    sizes = rng.integers(1, 6, (n, 2))
    frames = []
    for _ in range(length):
        places = np.clip(places + rng.integers(-1, 2, places.shape), 0, 10)
        gt = np.zeros((12, 13), np.int32)
        for i in range(n):
            gt[places[i, 0] : places[i, 0] + sizes[i, 0], places[i, 1] : places[i, 1] + sizes[i, 1]] = i + 1
        renamed = gt == int(rng.integers(1, n + 1))
        pred = np.where((rng.random(gt.shape) < 0.07) | (renamed & (rng.random() < 0.3)), 9, gt)
        frames.append(
            {
                "gt": gt,
                "pred": pred,
                "gt_segments": [
                    {
                        "id": i,
                        "category_id": int(category[i]),
                        "iscrowd": int(crowd[i]),
                        "area": int((gt == i).sum()),
                    }
                    for i in rng.permutation(np.unique(gt[gt > 0])).tolist()
                ],
                "pred_segments": [
                    {"id": i, "category_id": int(category[i])} for i in np.unique(pred[pred > 0]).tolist()
                ],
            }
        )
    return frames


@pytest.fixture(scope="module")
def videos() -> list[list[Image]]:
    rng = np.random.default_rng(4)
    return [video(rng, length) for length in (6, 3, 1, 5)]


def add(quality: VideoPanopticQuality, k: int, t: int, frame: Image) -> None:
    quality.update(
        frame["gt"], frame["pred"], frame["gt_segments"], frame["pred_segments"], video_id=f"video {k}", frame=t
    )


def test_vpq_equals_the_oracle(videos: list[list[Image]]) -> None:
    quality = VideoPanopticQuality(CATEGORIES, (1, 2, 4))
    for k, frames in enumerate(videos):
        for t, frame in enumerate(frames):
            add(quality, k, t, frame)
    result = quality.compute()
    vpq = {"All": [], "Things": [], "Stuff": []}
    for n in (1, 2, 4):
        stats = oracles.vpq_stats(videos, IDS, n)
        found = result.windows[n]
        assert found.iou.tolist() == [stats[c]["iou"] for c in IDS]
        for name in ("tp", "fp", "fn"):
            assert getattr(found, name).tolist() == [stats[c][name] for c in IDS]
        for name, chosen in (("All", IDS), ("Things", [1, 4]), ("Stuff", [2])):
            vpq[name].append(100 * oracles.coco_average(stats, chosen)["pq"])
        assert found.tp.sum() > 0
    assert result.vpq == {name: sum(values) / 3 for name, values in vpq.items()}
    assert result.to_dict()["vpq"] == result.vpq


def test_a_window_without_segments_of_the_ground_truth() -> None:
    """Before, it ended in an error of NumPy."""
    void, one = np.zeros((2, 2), int), np.ones((2, 2), int)
    segments = [{"id": 1, "category_id": 1, "area": 4}]
    for gt, gt_segments, pred, pred_segments, expected in (
        (void, [], void, [], (0, 0, 0)),
        (void, [], one, segments, (0, 0, 0)),
        (one, [], one, segments, (0, 2, 0)),  # in the map, not in the list
        (one, segments, void, [], (0, 0, 2)),
    ):
        quality = VideoPanopticQuality(CATEGORIES, (1,))
        for frame in range(2):
            quality.update(gt, pred, gt_segments, pred_segments, video_id=0, frame=frame)
        found = quality.compute().windows[1]
        assert (found.tp.sum(), found.fp.sum(), found.fn.sum()) == expected


def test_frames_of_a_video_merge(videos: list[list[Image]]) -> None:
    whole = VideoPanopticQuality(CATEGORIES)
    parts = [VideoPanopticQuality(CATEGORIES) for _ in range(2)]
    for k, frames in enumerate(videos):
        for t, frame in enumerate(frames):
            add(whole, k, t, frame)
            add(parts[(k + t) % 2], k, t, frame)
    merged = VideoPanopticQuality.from_bytes(parts[1].to_bytes()).merge(parts[0])
    assert merged.to_bytes() == whole.to_bytes()
    assert merged.compute().to_dict() == whole.compute().to_dict()


def test_areas_of_the_list_that_are_too_small_are_refused() -> None:
    """mcahny/vps asserts that no IoU is above 1."""
    quality = VideoPanopticQuality(CATEGORIES, (1,))
    gt_segments, pred_segments = [{"id": 1, "category_id": 1, "area": 1}], [{"id": 1, "category_id": 1}]
    quality.update([[1, 1]], [[1, 1]], gt_segments, pred_segments, video_id=3, frame=7)
    with pytest.raises(ValueError, match=r"^video 3, frames 7 to 7: IoU above 1; areas of the gro"):
        quality.compute()
    quality = VideoPanopticQuality(CATEGORIES, (2,))
    quality.update([[1, 1]], [[1, 1]], [{**gt_segments[0], "area": 0}], pred_segments, video_id=3, frame=7)
    quality.update([[1, 1]], [[1, 1]], [{**gt_segments[0], "area": 0}], pred_segments, video_id=3, frame=9)
    with pytest.raises(ValueError, match=r"^video 3, frames 7 to 9: gt segment 1 has area 0 in the list, but shares 4"):
        quality.compute()


def test_vpq_refuses() -> None:
    good = [{"id": 1, "category_id": 1}]
    quality = VideoPanopticQuality(CATEGORIES)
    quality.update([[1]], [[1]], good, good, video_id="a", frame=2)
    with pytest.raises(ValueError, match=r"^frame 2 of video 'a' was added before$"):
        quality.update([[1]], [[1]], good, good, video_id="a", frame=2)
    with pytest.raises(ValueError, match=r"^frame 3 of video 'a': gt is 1 x 2 pixels, but pred 1 x 1$"):
        quality.update([[1, 1]], [[1]], good, good, video_id="a", frame=3)
    with pytest.raises(KeyError, match="segment with ID 2 is presented in PNG and not presented in JSON"):
        quality.update([[1]], [[2]], good, good, video_id="a", frame=3)
    with pytest.raises(ValueError, match=r"^windows are \[2, 0\], expected different lengths of 1 or more$"):
        VideoPanopticQuality(CATEGORIES, [2, 0])
    with pytest.raises(TypeError, match=r"^windows is 3, expected several integers$"):
        VideoPanopticQuality(CATEGORIES, 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^frame is 'x', expected an integer$"):
        quality.update([[1]], [[1]], good, good, video_id="a", frame="x")  # type: ignore[arg-type]
    assert len(quality) == 1


# ---- STQ ------------------------------------------------------------------------------------------------------------

N, THINGS, IGNORE = 5, [1, 3], 255


def sequence(rng: np.random.Generator, length: int) -> list[Image]:
    frames = []
    labels = np.array([[0, 0], [1, 1], [1, 2], [1, 0], [2, 0], [3, 5], [4, 0], [255, 0], [3, 7]])
    places = rng.integers(0, 9, (12, 2))
    for _ in range(length):
        places = np.clip(places + rng.integers(-1, 2, places.shape), 0, 10)
        gt = np.zeros((11, 12), np.int64)
        for i, (row, column) in enumerate(places.tolist()):
            gt[row : row + 4, column : column + 5] = i % len(labels)
        pred = np.where(rng.random(gt.shape) < 0.1, rng.integers(0, len(labels), gt.shape), gt)
        frames.append({"gt": labels[gt], "pred": labels[pred]})
    return frames


@pytest.mark.parametrize("no_tubes", [False, True])
@pytest.mark.parametrize("ignore", [IGNORE, N, 0])
def test_stq_equals_the_oracle(ignore: int, no_tubes: bool) -> None:
    """Before, sequences were added up in float64 with float32 too, where the reference does so only without tubes."""
    rng = np.random.default_rng(8)
    sequences = [sequence(rng, length) for length in (5, 2, 4)]
    if no_tubes:
        sequences.append([{side: np.zeros((11, 12, 2), np.int64) for side in ("gt", "pred")}])
    if ignore != IGNORE:
        for frame in (frame for each in sequences for frame in each):
            for side in ("gt", "pred"):
                frame[side] = np.where(frame[side] == IGNORE, ignore, frame[side])
    found = {}
    for precision in ("float32", "float64"):
        quality = TrackingQuality(N, THINGS, ignore, precision=precision)  # type: ignore[arg-type]
        for k, frames in enumerate(sequences):
            for t, frame in enumerate(frames):
                quality.update(frame["gt"], frame["pred"], video_id=k, frame=t)
        result = found[precision] = quality.compute()
        real = getattr(np, precision)
        assert (result.stq, result.aq, result.miou) == oracles.stq(sequences, N, THINGS, ignore, real)
        for k in range(3):
            stq, aq, miou = oracles.stq([sequences[k]], N, THINGS, ignore, real)
            each = result.per_sequence[k]
            assert (each["stq"], each["aq"], each["miou"]) == (stq, aq, miou)
    assert found["float32"].aq != found["float64"].aq


def test_void_predictions_add_a_class_without_iou() -> None:
    """Two classes with IoU 1 and 0.5, and void predictions: the mean is 0.5, not 0.75."""
    gt = [0] * 4 + [1] * 4
    pred = [0] * 4 + [1] * 2 + [255] * 2
    instance = [0] * 4 + [1] * 4
    quality = TrackingQuality(2, things=[])
    quality.update((gt, instance), (pred, instance), video_id="a", frame=0)
    assert quality.compute().miou == 0.5
    assert quality.compute().aq == 0.0
    thing = TrackingQuality(3, things=[2])
    # a third class that is found as it is brings AQ 1; with IoU 1, 0.5, 1 and 0 the mean is 0.625
    thing.update(([*gt, 2], [*instance, 1]), ([*pred, 2], [*instance, 1]), video_id="a", frame=0)
    assert thing.compute().aq == 1.0
    assert thing.compute().miou == 0.625
    assert thing.compute().stq == math.sqrt(0.625)


def test_stq_of_half_the_mean_iou() -> None:
    """AQ 1 and mean IoU 0.5, as deeplab2 gave on such maps."""
    quality = TrackingQuality(2, things=[0])
    gt = ([0] * 4 + [1] * 4, [1] * 4 + [0] * 4)
    pred = ([0] * 4 + [1] * 2 + [255] * 2, [1] * 4 + [0] * 4)
    quality.update(gt, pred, video_id="a", frame=0)
    result = quality.compute()
    assert (result.miou, result.aq, result.stq) == (0.5, 1.0, 0.7071067811865476)


def test_without_classes_the_mean_iou_is_nan() -> None:
    """The reference divides by the number of classes, which is none."""
    assert math.isnan(TrackingQuality(2, things=[1]).compute().stq)
    ignored = TrackingQuality(2, things=[1])
    ignored.update(([255], [0]), ([1], [3]), video_id="a", frame=0)
    result = ignored.compute()
    assert math.isnan(result.miou)
    assert math.isnan(result.per_sequence["a"]["stq"])
    assert result.aq == 0.0


def test_counts_are_float32() -> None:
    """Above 2^24 pixels a tube loses them, as in the reference."""
    quality = TrackingQuality(1, things=[0])
    # a frame of 2^24 pixels, of which only the counts are kept
    quality._records["a", 0] = (np.array([[1, 1, 2**24]]),)
    quality.update([[0, 1]], [[0, 2]], video_id="a", frame=1)
    assert quality.compute().aq == 1.0
    exact = TrackingQuality(1, things=[0], precision="float64")
    exact.merge(_with_precision(quality, "float64"))
    assert 0.9999998 < exact.compute().aq < 1.0


def _with_precision(quality: TrackingQuality, precision: Any) -> TrackingQuality:
    other = TrackingQuality(1, things=[0], precision=precision)
    other._records = dict(quality._records)
    return other


def test_sequences_merge() -> None:
    rng = np.random.default_rng(9)
    frames = sequence(rng, 6)
    whole = TrackingQuality(N, THINGS)
    parts = [TrackingQuality(N, THINGS) for _ in range(3)]
    for t, frame in enumerate(frames):
        whole.update(frame["gt"], frame["pred"], video_id="v", frame=t)
        parts[t % 3].update(frame["gt"], frame["pred"], video_id="v", frame=t)
    merged = TrackingQuality.from_bytes(parts[1].to_bytes()).merge(parts[2]).merge(parts[0])
    assert merged.to_bytes() == whole.to_bytes()
    assert merged.compute().to_dict() == whole.compute().to_dict()
    with pytest.raises(ValueError, match=r"^frame 0 of video 'v' is in both$"):
        merged.merge(parts[0])


def test_stq_refuses() -> None:
    quality = TrackingQuality(2, things=[1])
    with pytest.raises(ValueError, match=r"^frame 0 of video 1: gt has class 2, expected 0 to 1, or 255 to ignore$"):
        quality.update(([2], [0]), ([1], [0]), video_id=1, frame=0)
    with pytest.raises(ValueError, match=r"^things have class 2, expected 0 to 1$"):
        TrackingQuality(2, things=[2])
    with pytest.raises(ValueError, match=r"^precision is 'half', expected 'float32' or 'float64'$"):
        TrackingQuality(2, things=[1], precision="half")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^things is 1, expected several integers$"):
        TrackingQuality(2, things=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^n_classes is 2\.5, expected an integer$"):
        TrackingQuality(2.5, things=[1])  # type: ignore[arg-type]
