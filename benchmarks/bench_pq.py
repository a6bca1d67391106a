"""Benchmarks of the panoptic quality of a data set, from files to numbers, beside hotcoco and vernier.

    PANOMASK_DATA=folder pytest benchmarks/bench_pq.py

The folder has panoptic/pairs: gt.json, pred.json and a folder of PNGs beside each, 40 pairs of COCO size. Without it as
many are drawn: ellipses on stripes, and the same moved a little, in files that Pillow writes, as panopticapi's are.
Each pair counts ten times, under names of its own.

A round is what a user waits for: JSON files parsed, PNGs read, segments matched, tables made. hotcoco has the function
of the same name, which uses all cores. vernier reads no panoptic files: Python's json and its `decode_label_map_png`
do, the latter in as many threads as there are cores, which is faster than in one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from panomask.panoptic.ids import id2rgb
from panomask.panoptic.labels import segments
from panomask.panoptic.quality import pq_compute

PAIRS, TIMES = 40, 10
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SIDES = ("gt", "pred")

Groups = dict[str, dict[str, float]]


class Files(NamedTuple):
    """The JSON files of the data set; the PNGs are in folders beside them, of the same name."""

    gt: Path
    pred: Path
    pairs: str  # where they come from


# ---- pairs ----------------------------------------------------------------------------------------------------------


def draw_map(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint32]:
    """Ellipses on wavy stripes, and a rim of void."""
    rows, columns = np.mgrid[:height, :width]
    ids = rng.choice(np.arange(1, 2**24, dtype=np.uint32), 20, replace=False)
    wavy = rows + height / 30 * np.sin(columns / 40) + height / 80 * np.sin(columns / 7)
    out = ids[np.clip(wavy * 5 / height, 0, 4).astype(int)]
    for each in ids[5:]:
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        a, b = rng.uniform(height / 50, height / 5), rng.uniform(width / 50, width / 5)
        out[((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 <= 1] = each
    out[:, :5] = 0
    return out


def draw_pairs(folder: Path) -> None:
    """Write what panoptic/pairs has."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    content: dict[str, dict[str, Any]] = {
        side: {"annotations": [], "categories": [{"id": i, "isthing": i % 2, "name": str(i)} for i in range(1, 134)]}
        for side in SIDES
    }
    for i in range(PAIRS):
        gt = draw_map(rng, int(rng.integers(180, 420)), int(rng.integers(320, 640)))
        for side, label_map in (("gt", gt), ("pred", np.roll(gt, (2, 3), (0, 1)))):
            found = segments(label_map)
            info = [
                {"id": each, "category_id": 1 + each % 133, "area": area, "iscrowd": 0}
                for each, area in zip(found.ids.tolist(), found.area.tolist(), strict=True)
            ]
            (folder / side).mkdir(exist_ok=True)
            image.fromarray(id2rgb(label_map)).save(folder / side / f"{i}.png")
            annotation = {"image_id": i, "file_name": f"{i}.png", "segments_info": info}
            content[side]["annotations"].append(annotation)
    for side in SIDES:
        content[side]["images"] = [
            {"id": i, "file_name": f"{i}.jpg", "height": 0, "width": 0} for i in range(PAIRS)
        ]  # hotcoco looks for it
        (folder / f"{side}.json").write_text(json.dumps(content[side]))


def repeat_pairs(source: Path, folder: Path) -> None:
    """Write every pair as often as it counts."""
    for side in SIDES:
        content = json.loads((source / f"{side}.json").read_text())
        n = 1 + max(annotation["image_id"] for annotation in content["annotations"])
        once = {name: content[name] for name in ("images", "annotations")}
        content |= {"images": [], "annotations": []}
        (folder / side).mkdir()
        for k in range(TIMES):
            for image in once["images"]:
                content["images"].append({**image, "id": image["id"] + k * n})
            for each in once["annotations"]:
                name = f"{k}_{each['file_name']}"
                shutil.copyfile(source / side / each["file_name"], folder / side / name)
                content["annotations"].append({**each, "image_id": each["image_id"] + k * n, "file_name": name})
        (folder / f"{side}.json").write_text(json.dumps(content))


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Give the data set."""
    data = os.environ.get("PANOMASK_DATA")
    source = Path(data) / "panoptic" / "pairs" if data else tmp_path_factory.mktemp("drawn")
    if not data:
        draw_pairs(source)
    folder = tmp_path_factory.mktemp("pairs")
    repeat_pairs(source, folder)
    return Files(folder / "gt.json", folder / "pred.json", "real" if data else "drawn")


# ---- libraries ------------------------------------------------------------------------------------------------------


def by_panomask(files: Files) -> Groups:
    return pq_compute(files.gt, files.pred, workers=CORES)


def by_panomask_in_one_thread(files: Files) -> Groups:
    return pq_compute(files.gt, files.pred, workers=1)


def by_hotcoco(files: Files) -> Groups:
    result: Groups = import_module("hotcoco.panoptic").pq_compute(str(files.gt), str(files.pred))
    return result


def by_vernier(files: Files) -> Groups:
    panoptic = import_module("vernier.panoptic")
    sides = []
    with ThreadPoolExecutor(CORES) as pool:
        for path in (files.gt, files.pred):
            content = json.loads(path.read_bytes())
            folder, annotations = path.with_suffix(""), content["annotations"]
            paths = [folder / each["file_name"] for each in annotations]
            ids = [each["image_id"] for each in annotations]
            maps = dict(zip(ids, pool.map(panoptic.decode_label_map_png, paths), strict=True))
            info = {each["image_id"]: each["segments_info"] for each in annotations}
            sides.append((maps, json.dumps(info).encode(), json.dumps(content["categories"]).encode()))
    gt = panoptic.Dataset.from_arrays(*sides[0])
    pred = panoptic.Predictions.from_arrays(*sides[1][:2])
    result: Groups = panoptic.Evaluator(parity_mode="strict").evaluate(gt, pred, num_threads=CORES).to_dict(strict=True)
    return result


LIBRARIES: dict[str, Callable[[Files], Groups]] = {
    "panomask": by_panomask,
    "panomask in one thread": by_panomask_in_one_thread,
    "hotcoco": by_hotcoco,
    "vernier": by_vernier,
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_pq_compute(benchmark: Any, library: str, files: Files, request: pytest.FixtureRequest) -> None:
    if not library.startswith("panomask"):
        pytest.importorskip(library)
        benchmark.extra_info["version"] = metadata.version(library)
    benchmark.group = f"pq_compute, {PAIRS * TIMES} {files.pairs} pairs, {CORES} cores"
    rounds = 1 if request.config.getoption("--quick") else 7
    found = benchmark.pedantic(LIBRARIES[library], (files,), rounds=rounds, warmup_rounds=1)
    expected = by_panomask_in_one_thread(files)
    for group in ("All", "Things", "Stuff"):
        for name in ("pq", "sq", "rq", "n"):
            assert found[group][name] == pytest.approx(expected[group][name], rel=1e-12), f"{group} {name}"
