"""Segmentation masks as run lengths.

`RLEArray` holds a batch of masks as three flat arrays and works on the runs. `panomask.mask` has the functions of
``pycocotools.mask``, and `panomask.compat` puts them under code that imports that.
"""

import os

try:
    from panomask import _cpu
except ImportError as _error:
    raise ImportError(
        f"panomask's compiled modules do not load from {os.path.dirname(__file__)} ({_error}). If that is its source "
        "folder, install it with pip and start Python elsewhere."
    ) from _error
from panomask import compat, errors, mask
from panomask.rle import RLEArray

__all__ = ["RLEArray", "__version__", "compat", "errors", "get_isa", "mask"]

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


_wanted = os.environ.get("PANOMASK_ISA")
if _wanted and _wanted not in _cpu.available():
    raise ImportError(f"PANOMASK_ISA is {_wanted!r}; this machine has {', '.join(_cpu.available())}")
