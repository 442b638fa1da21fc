"""Everything that seg_widgets raises on purpose.

    SegWidgetsError
    ├── SettingError          a setting or argument out of its range (also a ValueError)
    ├── ImageError            an image that can't be had from what was given
    │   ├── ImageNotFoundError      no such file
    │   ├── ImageFormatError        not an image, or not one of the formats that are read
    │   ├── ImageDamagedError       the right format, but truncated or broken inside
    │   └── ImageTooLargeError      over the limit of bytes, pixels or side length
    ├── FetchError            a URL that gave no image
    │   ├── UrlError                not an http(s) URL, or one that may not be opened
    │   ├── UnreachableError        no connection, or no such host
    │   ├── FetchTimeoutError       the server was too slow
    │   ├── FetchStatusError        the server answered with an error status
    │   └── FetchTooLargeError      the answer is over the limit of bytes
    ├── PredictionError       a result whose parts don't fit together (also a ValueError)
    ├── ModelError            a model that can't be built
    │   ├── ConfigError             its configuration is missing, unreadable or not for this use
    │   ├── WeightsNotFoundError    its weights are in none of the places looked at
    │   ├── WeightsError            its weights are damaged, unsafe, or of another model
    │   ├── WeightsFetchError       its weights could not be fetched, or not whole
    │   ├── DeviceError             the device asked for is not here
    │   └── DependencyError         a package (detectron2, torch, ray, …) is missing or broken
    ├── DatasetError          a data set that holds nothing to train on
    ├── InferenceError        the model failed on one image
    │   └── OutOfMemoryError        not enough memory, also after trying again smaller
    └── ExportError           a result that could not be written

Each message says what was wrong and what to do about it, and can be shown to a person as it is.
"""

from __future__ import annotations

from ._text import printable_message

__all__ = [
    "ConfigError",
    "DatasetError",
    "DependencyError",
    "DeviceError",
    "ExportError",
    "FetchError",
    "FetchStatusError",
    "FetchTimeoutError",
    "FetchTooLargeError",
    "ImageDamagedError",
    "ImageError",
    "ImageFormatError",
    "ImageNotFoundError",
    "ImageTooLargeError",
    "InferenceError",
    "ModelError",
    "OutOfMemoryError",
    "PredictionError",
    "SegWidgetsError",
    "SettingError",
    "UnreachableError",
    "UrlError",
    "WeightsError",
    "WeightsFetchError",
    "WeightsNotFoundError",
]


class SegWidgetsError(Exception):
    """The root of all errors that seg_widgets raises on purpose."""

    def __str__(self) -> str:
        # Names are made printable where they are put into a message; this is for one that isn't.
        return printable_message(super().__str__())


class SettingError(SegWidgetsError, ValueError):
    """A setting or argument is out of its range."""


class ImageError(SegWidgetsError):
    """What was given can't be opened as an image."""


class ImageNotFoundError(ImageError, FileNotFoundError):
    """There is no such file."""


class ImageFormatError(ImageError):
    """The bytes are not an image, or not in one of the formats that are read."""


class ImageDamagedError(ImageError):
    """The format is right, but the file is truncated or broken inside."""


class ImageTooLargeError(ImageError):
    """The image is over the limit of bytes, pixels or side length."""


class FetchError(SegWidgetsError):
    """A URL gave no image."""


class UrlError(FetchError, ValueError):
    """The text is not an http(s) URL, or one that may not be opened."""


class UnreachableError(FetchError):
    """No connection could be made, or there is no such host."""


class FetchTimeoutError(FetchError):
    """The server was too slow."""


class FetchStatusError(FetchError):
    """The server answered with an error status.

    Args:
        message: what was wrong and what to do about it.
        status: the HTTP status code, such as 404.
    """

    status: int
    """The HTTP status code, such as 404."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class FetchTooLargeError(FetchError):
    """The server's answer is over the limit of bytes."""


class PredictionError(SegWidgetsError, ValueError):
    """The parts of a result don't fit together."""


class ModelError(SegWidgetsError):
    """A model can't be built."""


class ConfigError(ModelError):
    """A model's configuration is missing, unreadable or not for this use."""


class WeightsNotFoundError(ModelError, FileNotFoundError):
    """A model's weights are in none of the places looked at."""


class WeightsError(ModelError):
    """A model's weights are damaged, unsafe, or those of another model."""


class WeightsFetchError(ModelError):
    """A model's weights could not be fetched, or not whole.

    What has come already is kept for the next try.
    """


class DeviceError(ModelError):
    """The device asked for is not here."""


class DependencyError(ModelError, ImportError):
    """A package that is needed is missing or broken."""


class DatasetError(SegWidgetsError):
    """A data set holds nothing to train on.

    It is not in COCO's format, has no class names, or no object that can be used.
    """


class InferenceError(SegWidgetsError):
    """The model failed on one image; the next one may work."""


class OutOfMemoryError(InferenceError):
    """There was not enough memory for the image, also at a smaller size."""


class ExportError(SegWidgetsError):
    """A result could not be written."""
