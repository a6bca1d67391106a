"""One module a library, all with the same function names, so that every library does the same work.

An adapter has

* `NAME` and `version()`;
* `hold_masks`, `hold_runs` (to be decoded), `hold_counts` (to be written as COCO text) and `hold_text` (to be read from
  it), which bring masks into the form that users of the library keep them in. They are not timed: each library starts
  from its own form;
* one function for each operation of `cases`, which is timed, with whatever conversion the library asks of its caller;
* `counts_of`, which brings an answer back to plain run lengths, to compare it. It is not timed either.

An adapter without a function does not offer that operation.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__all__ = ["LIBRARIES", "load_adapters"]

LIBRARIES = ("numpy", "numba", "pycocotools", "panomask")
"""What is compared, in the order of the table. Answers are compared with the first one's."""


def load_adapters() -> tuple[dict[str, ModuleType], dict[str, str]]:
    """Import the adapters of all libraries that are there.

    Returns
    -------
    adapters : dict of str to module
        By library, in the order of `LIBRARIES`.
    missing : dict of str to str
        The other libraries, and why: not installed, or the message of the failed import.
    """
    adapters, missing = {}, {}
    for library in LIBRARIES:
        try:
            adapters[library] = import_module(f".via_{library}", __name__)
        except ImportError as error:
            absent = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == library
            missing[library] = "not installed" if absent else str(error)
    return adapters, missing
