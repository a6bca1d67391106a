"""Errors: every status of the C core has a class and a sentence."""

from __future__ import annotations

import inspect

import pytest

from panomask import _status, errors

STATUSES = range(1, _status.STATUS_END)

# What each status says of a record that is all zeros, and as which builtin it can be caught.
SENTENCES = {
    1: (errors.PanomaskError, "masks[0]: the output is full; try one of 0 elements"),
    2: (ValueError, "masks[0]: size 0 x 0 is negative"),
    3: (OverflowError, "masks[0]: size 0 x 0 is too large; an image has at most 1099511627776 pixels"),
    4: (ValueError, "masks[0]: size is 0 x 0, but masks[0] is 0 x 0"),
    5: (ValueError, "masks[0]: run 0 is 0 pixels long"),
    6: (ValueError, "masks[0]: runs cover 0 pixels, expected 0 (0 x 0)"),
    7: (ValueError, "masks[0]: offsets go from 0 to 0, outside the 0 elements there are"),
    8: (ValueError, "masks[0]: counts has byte 0 at position 0; COCO text has only bytes 48 to 111"),
    9: (ValueError, "masks[0]: counts ends inside a number that begins at position 0 of its 0 characters"),
    10: (ValueError, "masks[0]: counts has a number of more than 0 characters at position 0"),
    11: (ValueError, "masks[0]: coordinate 0 is -inf"),
    12: (ValueError, "masks[0]: coordinate 0 is 0, beyond the largest, 35184372088832"),
}


def test_no_status_is_forgotten() -> None:
    assert list(SENTENCES) == list(STATUSES)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_class_and_a_sentence(status: int) -> None:
    builtin, sentence = SENTENCES[status]
    with pytest.raises(builtin) as raised:
        _status.raise_status(status)
    assert str(raised.value) == sentence
    assert isinstance(raised.value, errors.PanomaskError)
    if status != _status.STATUS_FULL:  # which never reaches a user
        assert type(raised.value) is _status.ERROR_CLASSES[status]
        assert type(raised.value) is not errors.PanomaskError


def test_ok_is_no_error() -> None:
    _status.raise_status(0)


@pytest.mark.parametrize("status", [_status.STATUS_END, _status.STATUS_END + 1, 10**6])
def test_an_unknown_status_has_a_class_too(status: int) -> None:
    with pytest.raises(errors.PanomaskError) as raised:
        _status.raise_status(status)
    assert type(raised.value) is errors.PanomaskError
    assert str(raised.value) == f"masks[0]: unknown status {status}"


def test_every_class_refines_a_builtin() -> None:
    for name in errors.__all__:
        error = getattr(errors, name)
        assert inspect.getdoc(error)
        assert issubclass(error, errors.PanomaskError)
        if error is not errors.PanomaskError:
            assert issubclass(error, ValueError | OverflowError)


def test_every_class_is_raised_by_some_status() -> None:
    assert {*_status.ERROR_CLASSES.values(), errors.PanomaskError} == {getattr(errors, name) for name in errors.__all__}
