"""Turn the JSON of `panomask bench --json FILE` into the table of the README: python benchmarks/table.py FILE."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from panomask.bench.cases import COMMAND_CASES
from panomask.bench.report import OURS, ratio_text, seconds_text


def to_markdown(report: dict[str, Any]) -> str:
    """Write a row for each operation: the median time a mask, and how many times as fast ours is."""
    rows: dict[str, dict[str, float]] = defaultdict(dict)
    for each in report["results"]:
        rows[each["operation"]][each["library"]] = each["median"] / each["masks"]
    libraries = [name for name in report["versions"] if name in next(iter(rows.values()))]
    titles = {case.operation: case.title for case in COMMAND_CASES}
    lines = [f"| | {' | '.join(libraries)} |", "| --- |" + " ---: |" * len(libraries)]
    for operation, times in rows.items():
        cells = []
        for name in libraries:
            speed = f" ({ratio_text(times[name] / times[OURS])})" if name != OURS else ""
            cells.append(seconds_text(times[name]) + speed)
        lines.append(f"| {titles[operation]} | {' | '.join(cells)} |")
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    machine, scenes = report["machine"], report["scenes"]
    lines += [
        "",
        "{processor}, {cores} cores, {system}, {kernels} kernels; ".format(**machine) + f"{versions}. "
        f"{scenes['source']}: {scenes['masks']} masks in {scenes['images']} images, "
        f"{scenes['median_runs']:.0f} runs a mask (mean {scenes['mean_runs']:.0f}).",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(to_markdown(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
