"""The functions of ``pycocotools.mask``, with their names, shapes, dtypes, memory order and bytes.

Wherever pycocotools 2.0.11 returns a defined, right result this module returns the same to the last bit. Where it
returns rubbish, reads memory it does not own or fails for no reason, the answer here is right or a clear error; the
page "Differences from pycocotools" lists every such case. Every function that takes RLEs takes an `RLEArray` too.
"""

from __future__ import annotations

from panomask.cy_mask import area, decode, encode, frPyObjects, iou, merge, toBbox

__all__: list[str] = ["area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox"]
