"""The instances that go into a file; each keeps the number that it has in the panel."""

from __future__ import annotations

from collections.abc import Iterator

from ..prediction import Chosen, Instance, Prediction

__all__ = ["chosen_instances"]


def chosen_instances(prediction: Prediction, only: Chosen | None = None) -> Iterator[Instance]:
    """The instances of a prediction, or some of them.

    Args:
        prediction: what was found.
        only: the instances to take; None: all.

    Yields:
        Each one, with its index among all instances.

    Raises:
        SettingError: an index in `only` is not here.
    """
    if only is None:
        yield from prediction
        return
    for index in prediction.indices(only).tolist():
        yield prediction[int(index)]
