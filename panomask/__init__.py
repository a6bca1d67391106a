"""Segmentation masks as run lengths.

`RLEArray` holds a batch of masks as three flat arrays and works on the runs. `panomask.mask` has the functions of
``pycocotools.mask``, and `panomask.compat` puts them under code that imports that. `panomask.overlap` compares masks in
groups and suppresses those that overlap. `panomask.panoptic` works on the ids of panoptic segmentations.
"""

import os
from operator import index

try:
    from panomask import _cpu, _threads
except ImportError as _error:
    raise ImportError(
        f"panomask's compiled modules do not load from {os.path.dirname(__file__)} ({_error}). If that is its source "
        "folder, install it with pip and start Python elsewhere."
    ) from _error
from panomask import compat, errors, mask, overlap, panoptic
from panomask.rle import RLEArray

__all__ = [
    "RLEArray",
    "__version__",
    "compat",
    "errors",
    "get_isa",
    "get_num_threads",
    "mask",
    "overlap",
    "panoptic",
    "set_num_threads",
]

__version__ = "0.1.0"


def get_isa() -> str:
    """Return the name of the CPU kernels in use: ``"avx512"``, ``"avx2"``, ``"neon"`` or ``"portable"``.

    The best that the machine can run, or the one that the environment variable ``PANOMASK_ISA`` named when panomask
    was imported. All give identical results.

    Returns
    -------
    str
    """
    return _cpu.name()


def get_num_threads() -> int:
    """Return the number of threads that a call on a large batch may use.

    At first the value of the environment variable ``PANOMASK_NUM_THREADS`` when panomask was imported, or else the
    number of CPUs that this process may use.

    Returns
    -------
    int
    """
    return _threads.get_number()


def set_num_threads(n: int) -> None:
    """Set the number of threads that a call on a large batch may use, for the whole process.

    Results do not depend on it, to the last byte. 1 keeps every call on the thread that makes it.

    Parameters
    ----------
    n : int
        1 to 256.

    Raises
    ------
    TypeError
        Not an integer.
    ValueError
        Out of that range.

    Examples
    --------
    >>> import panomask
    >>> before = panomask.get_num_threads()
    >>> panomask.set_num_threads(2)
    >>> panomask.get_num_threads()
    2
    >>> panomask.set_num_threads(before)
    """
    try:
        number = index(n)
    except TypeError:
        raise TypeError(f"n is {n!r:.80}, expected an integer") from None
    if not 1 <= number <= _threads.MAX_THREADS:
        raise ValueError(f"n is {number}, expected 1 to {_threads.MAX_THREADS}")
    _threads.set_number(number)


def _usable_cpus() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on this system
        return os.cpu_count() or 1


_wanted = os.environ.get("PANOMASK_ISA")
if _wanted and _wanted not in _cpu.available():
    raise ImportError(f"PANOMASK_ISA is {_wanted!r}; this machine has {', '.join(_cpu.available())}")

_wanted = os.environ.get("PANOMASK_NUM_THREADS")
try:
    set_num_threads(int(_wanted) if _wanted else min(_usable_cpus(), _threads.MAX_THREADS))
except ValueError:
    raise ImportError(f"PANOMASK_NUM_THREADS is {_wanted!r}, expected 1 to {_threads.MAX_THREADS}") from None
