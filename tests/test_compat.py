"""panomask.compat: panomask under pycocotools' own classes, and away again without a trace."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checks import check_identical
from panomask import compat, mask

pytest.importorskip("pycocotools.mask")

import pycocotools._mask
import pycocotools.mask
from pycocotools import mask as mask_taken_before
from pycocotools.mask import iou as iou_taken_before

MODULES = (pycocotools, pycocotools.mask, pycocotools._mask)
MASK = {"size": [3, 4], "counts": b"441M1"}


def contents() -> list[dict[str, Any]]:
    """What is in the modules that are touched, and which modules there are."""
    loaded = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "pycocotools"}
    return [dict(vars(module)) for module in MODULES] + [loaded]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Every test begins and ends with pycocotools as it is."""
    assert not compat.is_installed()
    before = contents()
    yield
    compat.uninstall()
    after = contents()
    for old, new in zip(before, after, strict=True):
        assert old.keys() <= new.keys()
        assert all(new[name] is old[name] for name in old)


# ---- install and uninstall ------------------------------------------------------------------------------------------


def test_install_replaces_every_function() -> None:
    compat.install()
    for name in mask.__all__:
        assert getattr(pycocotools.mask, name) is getattr(mask, name)
        assert getattr(pycocotools._mask, name) is getattr(mask, name)


def test_uninstall_restores_exactly() -> None:
    before = contents()
    compat.install()
    assert contents() != before
    compat.uninstall()
    after = contents()
    assert [list(each) for each in after] == [list(each) for each in before]
    for old, new in zip(before, after, strict=True):
        assert all(new[name] is old[name] for name in old)


def test_a_second_install_changes_nothing() -> None:
    compat.install()
    first = contents()
    compat.install()
    assert contents() == first
    compat.uninstall()
    assert not compat.is_installed()
    assert pycocotools.mask.iou is iou_taken_before


def test_uninstall_without_install_changes_nothing() -> None:
    before = contents()
    compat.uninstall()
    assert contents() == before


def test_is_installed_tells() -> None:
    assert compat.is_installed() is False
    compat.install()
    assert compat.is_installed() is True
    compat.uninstall()
    assert compat.is_installed() is False


def test_a_module_taken_before_is_switched_too() -> None:
    assert mask_taken_before.area is not mask.area
    compat.install()
    assert mask_taken_before.area is mask.area
    assert mask_taken_before.area([MASK] * 300).tolist() == [5] * 300  # which pycocotools cannot
    compat.uninstall()
    assert mask_taken_before.area is not mask.area


def test_a_function_taken_before_stays_itself() -> None:
    compat.install()
    assert iou_taken_before is not mask.iou
    assert iou_taken_before.__module__ == "pycocotools._mask"


def test_inner_functions_are_replaced_alike() -> None:
    polygons, boxes = [[1.0, 1, 6, 1, 6, 5], [0.0, 0, 3, 0, 3, 3]], np.array([[1.0, 1, 4, 3], [0, 0, 2, 2]])
    dicts = [{"size": [3, 4], "counts": [4, 4, 1, 1, 2]}]
    pixels = np.asfortranarray(np.eye(3, dtype=np.uint8)[:, :, np.newaxis])

    def results() -> list[Any]:
        inner = pycocotools._mask
        return [
            inner.frPoly(polygons, 6, 8),
            inner.frBbox(boxes, 6, 8),
            inner.frUncompressedRLE(dicts, 3, 4),
            inner.encode(pixels),
            inner.decode([MASK, MASK]),
            inner.area([MASK]),
            inner.toBbox([MASK]),
            inner.merge([MASK, MASK], 1),
            inner.iou([MASK], [MASK], [0]),
            inner.frPyObjects(polygons, 6, 8),
        ]

    expected = results()
    compat.install()
    for found, wanted in zip(results(), expected, strict=True):
        check_identical(found, wanted)


# ---- with installed() -----------------------------------------------------------------------------------------------


def test_a_block_installs_and_uninstalls() -> None:
    with compat.installed():
        assert compat.is_installed()
        assert pycocotools.mask.iou is mask.iou
    assert not compat.is_installed()
    assert pycocotools.mask.iou is iou_taken_before


def test_a_block_uninstalls_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), compat.installed():
        raise ZeroDivisionError
    assert not compat.is_installed()
    assert pycocotools.mask.iou is iou_taken_before


def test_blocks_inside_blocks_leave_the_outer_one() -> None:
    with compat.installed():
        with compat.installed():
            assert compat.is_installed()
        assert compat.is_installed()
        assert pycocotools.mask.iou is mask.iou
    assert not compat.is_installed()


def test_a_block_after_install_leaves_it() -> None:
    compat.install()
    with compat.installed():
        pass
    assert compat.is_installed()


def test_a_block_ends_quietly_where_it_was_uninstalled_inside() -> None:
    with compat.installed():
        compat.uninstall()
    assert not compat.is_installed()


def test_threads_may_install_at_once() -> None:
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for _ in range(200):
            with compat.installed():
                assert pycocotools.mask.area(MASK) == 5
            compat.install()
            compat.uninstall()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    compat.uninstall()
    assert pycocotools.mask.iou is iou_taken_before


# ---- pycocotools' own classes ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tools() -> dict[str, Any]:
    """COCO and COCOeval, which need matplotlib."""
    pytest.importorskip("matplotlib")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return {"COCO": COCO, "COCOeval": COCOeval}


def evaluate(tools: dict[str, Any], folder: Path, kind: str, **parameters: Any) -> dict[str, Any]:
    """Everything that COCOeval finds."""
    names = {
        "segm": ("instances_val2014_100.json", "instances_val2014_fakesegm100_results.json"),
        "bbox": ("instances_val2014_100.json", "instances_val2014_fakebbox100_results.json"),
        "keypoints": ("person_keypoints_gt.json", "person_keypoints_dt.json"),
    }[kind]
    with redirect_stdout(StringIO()):
        truth = tools["COCO"](str(folder / names[0]))
        results = truth.loadRes(str(folder / names[1]))
        evaluation = tools["COCOeval"](truth, results, kind)
        for name, value in parameters.items():
            setattr(evaluation.params, name, value)
        evaluation.evaluate()
        evaluation.accumulate()
        if not parameters:
            evaluation.summarize()
    return {
        "stats": evaluation.stats,
        **{name: evaluation.eval[name] for name in ("precision", "recall", "scores")},
        "ious": {str(key): value for key, value in evaluation.ious.items()},
        "areas": [annotation["area"] for annotation in results.anns.values()],
        "boxes": [annotation["bbox"] for annotation in results.anns.values() if "bbox" in annotation],
        "truth": truth,
        "results": results,
    }


@pytest.mark.parametrize("kind", ["segm", "bbox", "keypoints"])
def test_cocoeval_finds_the_same_to_the_last_bit(tools: dict[str, Any], data: Path, kind: str) -> None:
    expected = evaluate(tools, data / "coco", kind)
    with compat.installed():
        found = evaluate(tools, data / "coco", kind)
    for name in ("stats", "precision", "recall", "scores"):
        assert found[name].dtype == expected[name].dtype
        assert found[name].tobytes() == expected[name].tobytes(), name
    assert found["ious"].keys() == expected["ious"].keys()
    for key, value in expected["ious"].items():
        check_identical(found["ious"][key], value)
    check_identical(found["areas"], expected["areas"])
    for first, second in zip(found["boxes"], expected["boxes"], strict=True):
        check_identical(first, second)
    assert (expected["stats"] > -1).any()


@pytest.mark.parametrize("kind", ["segm", "bbox"])
def test_cocoeval_without_categories_finds_the_same(tools: dict[str, Any], data: Path, kind: str) -> None:
    expected = evaluate(tools, data / "coco", kind, useCats=0)
    with compat.installed():
        found = evaluate(tools, data / "coco", kind, useCats=0)
    for name in ("precision", "recall", "scores"):
        assert found[name].tobytes() == expected[name].tobytes(), name


def test_annotations_become_the_same_masks(tools: dict[str, Any], data: Path) -> None:
    with redirect_stdout(StringIO()):
        truth = tools["COCO"](str(data / "coco" / "instances_val2014_100.json"))
    for annotation in truth.anns.values():
        expected = truth.annToRLE(annotation), truth.annToMask(annotation)
        with compat.installed():
            check_identical(truth.annToRLE(annotation), expected[0])
            check_identical(truth.annToMask(annotation), expected[1])


# ---- without pycocotools --------------------------------------------------------------------------------------------

BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pycocotools":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
try:
    import pycocotools
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("pycocotools is not blocked")
"""


def run_without_pycocotools(code: str) -> None:
    """Run code in a process where pycocotools cannot be imported."""
    command = [sys.executable, "-W", "error", "-c", BLOCK + code]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_install_works_without_pycocotools() -> None:
    run_without_pycocotools("""
import panomask
from panomask import compat
compat.install()
import pycocotools.mask
import pycocotools._mask
import pycocotools.mask as as_module
from pycocotools import mask, _mask
from pycocotools.mask import iou, decode
assert mask is pycocotools.mask is as_module is sys.modules["pycocotools.mask"]
for name in panomask.mask.__all__:
    assert getattr(mask, name) is getattr(panomask.mask, name)
    assert getattr(_mask, name) is getattr(panomask.mask, name)
assert mask.area({"size": [3, 4], "counts": "441M1"}) == 5
compat.uninstall()
assert not [name for name in sys.modules if name.partition(".")[0] == "pycocotools"]
try:
    import pycocotools.mask
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("pycocotools is still there")
compat.install()
import pycocotools.mask
assert pycocotools.mask.iou is panomask.mask.iou
""")


def test_a_block_works_without_pycocotools() -> None:
    run_without_pycocotools("""
from panomask import compat
with compat.installed():
    from pycocotools import mask
    assert mask.area({"size": [3, 4], "counts": "441M1"}) == 5
assert "pycocotools" not in sys.modules
""")


def test_other_modules_are_still_missing_without_pycocotools() -> None:
    run_without_pycocotools("""
from panomask import compat
compat.install()
try:
    import pycocotools.coco
except ModuleNotFoundError as error:
    assert error.name == "pycocotools.coco"
else:
    raise SystemExit("where does that come from")
""")


def test_importing_panomask_does_not_import_pycocotools() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import sys, panomask; print([m for m in sys.modules if m.startswith('pycocotools')])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n"
