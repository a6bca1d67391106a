"""What panoptic quality comes to: numbers by category and group, as a dict, a table or a data frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Category", "PanopticResult"]


class Category(NamedTuple):
    """What is known of a category."""

    id: int
    name: str
    isthing: bool


@dataclass(frozen=True, eq=False, repr=False)
class PanopticResult:
    """Panoptic quality of all images.

    Attributes
    ----------
    categories : tuple of Category
        ``id``, ``name``, ``isthing``; the arrays have one element for each, in this order.
    pq, sq, rq : ndarray of float64, shape (n,)
        0 for a category without segments.
    iou : ndarray of float64, shape (n,)
        Sum of the IoUs of the matches.
    tp, fp, fn : ndarray of int64, shape (n,)
        Matched pairs, predictions and segments of the ground truth left alone.
    groups : dict
        ``"All"``, ``"Things"`` and ``"Stuff"``: each a dict of ``pq``, ``sq``, ``rq`` and the number of categories
        ``n`` that are in these means. NaN where there are none.
    semantic_iou : ndarray of float64, shape (n,), or None
        IoU of each category whatever the instances; only where points are evaluated, as are the next two.
    miou : float or None
        Its mean.
    pq_dagger : float or None
        PQ†: the mean of the PQ of things and the semantic IoU of stuff.
    """

    categories: tuple[Category, ...]
    pq: NDArray[np.float64]
    sq: NDArray[np.float64]
    rq: NDArray[np.float64]
    iou: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]
    groups: dict[str, dict[str, Any]]
    semantic_iou: NDArray[np.float64] | None = None
    miou: float | None = None
    pq_dagger: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as Python's own, for ``json.dump``.

        Returns
        -------
        dict
            ``"All"``, ``"Things"``, ``"Stuff"`` as `groups`, and ``"per_class"``: for each category id ``pq``, ``sq``,
            ``rq``, ``iou``, ``tp``, ``fp``, ``fn``. With points also ``"miou"``, ``"pq_dagger"`` and a
            ``"semantic_iou"`` for each category.
        """
        columns = self._columns()
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        per_class = {
            category.id: dict(zip(columns, row, strict=True))
            for category, row in zip(self.categories, rows, strict=True)
        }
        result: dict[str, Any] = {name: dict(group) for name, group in self.groups.items()}
        result["per_class"] = per_class
        if self.semantic_iou is not None:
            result |= {"miou": self.miou, "pq_dagger": self.pq_dagger}
        return result

    def to_table(self, *, per_class: bool = False) -> str:
        """Return the table that panopticapi prints, in percent.

        Parameters
        ----------
        per_class : bool
            The table that cityscapesScripts prints: a line for each category above, in ascending order of ids.

        Returns
        -------
        str
            Without a newline at its end.
        """
        header = "PQ", "SQ", "RQ"
        if per_class:
            width = max(14, *(len(category.name) for category in self.categories))
            lines = [_line("Category", width, header)]
            for i in sorted(range(len(self.categories)), key=lambda i: self.categories[i].id):
                lines.append(_line(self.categories[i].name, width, (self.pq[i], self.sq[i], self.rq[i])))
            lines += ["-" * (width + 27), _line("", width, header) + f" {'N':>5}"]
        else:
            width = 10
            lines = [_line("", width, header) + f" {'N':>5}", "-" * (width + 28)]
        for name, group in self.groups.items():
            lines.append(_line(name, width, (group["pq"], group["sq"], group["rq"])) + f" {group['n']:5d}")
        if self.semantic_iou is not None:
            lines += ["", f"PQ† {100 * (self.pq_dagger or 0):.1f}, mIoU {100 * (self.miou or 0):.1f}"]
        return "\n".join(lines)

    def to_dataframe(self) -> Any:
        """Return a pandas data frame with a row for each category.

        Returns
        -------
        pandas.DataFrame
            Columns ``id``, ``name``, ``isthing`` and those of ``per_class`` in `to_dict`.

        Raises
        ------
        ImportError
            Without pandas.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("a data frame needs pandas: pip install pandas") from None
        known = zip(*self.categories, strict=True)
        columns = dict(zip(Category._fields, map(list, known), strict=True)) if self.categories else {}
        return pandas.DataFrame({**columns, **self._columns()})

    def _columns(self) -> dict[str, NDArray[Any]]:
        columns: dict[str, NDArray[Any]] = {
            name: getattr(self, name) for name in ("pq", "sq", "rq", "iou", "tp", "fp", "fn")
        }
        if self.semantic_iou is not None:
            columns["semantic_iou"] = self.semantic_iou
        return columns

    def __str__(self) -> str:
        return self.to_table()

    def __repr__(self) -> str:
        everything = self.groups["All"]
        return f"PanopticResult(pq={everything['pq']:.4f}, {everything['n']} categories)"


def _line(name: str, width: int, values: tuple[Any, ...]) -> str:
    cells = (f"{value:>5}" if isinstance(value, str) else f"{100 * value:5.1f}" for value in values)
    return f"{name:{width}}| " + "  ".join(cells)
