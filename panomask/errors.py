"""What panomask raises beside plain TypeError and MemoryError.

Each class is also the builtin that it refines, so code that catches ``ValueError`` or ``OverflowError`` keeps working.
"""

__all__ = [
    "ImageTooLargeError",
    "InvalidRLEError",
    "PanomaskError",
    "PointOutOfRangeError",
    "SizeMismatchError",
]


class PanomaskError(Exception):
    """Base of all errors of this module; raised itself only for a status that has no class of its own."""


class InvalidRLEError(PanomaskError, ValueError):
    """Run lengths or counts text that are not a mask: broken text, negative runs, runs that do not cover the image."""


class SizeMismatchError(PanomaskError, ValueError):
    """Two masks that must lie on images of one size do not."""


class ImageTooLargeError(PanomaskError, OverflowError):
    """An image of more than 2^40 pixels, or rows, or columns."""


class PointOutOfRangeError(PanomaskError, ValueError):
    """A coordinate that is NaN, infinite or beyond 2^45."""
