"""What a file of weights is by its content: another format under its name, or no weights at all."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from ..errors import WeightsError

__all__ = ["Format", "check_kind", "format_of", "why_refused"]

Format = Literal["safetensors", "torch", "pickle"]

_HEAD: Final = 1024  # bytes that are looked at
_TORCH_MAGIC: Final = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_FORMATS: Final[dict[str, Format]] = {
    ".safetensors": "safetensors",
    ".pth": "torch",
    ".pt": "torch",
    ".pkl": "pickle",
}
_AGAIN: Final = "get the file again"
# How files begin that are no weights, what they are, and what to do.
_KINDS: Final = (
    (
        b"version https://git-lfs",
        "a Git LFS pointer, which stands for the file in a clone. Run `git lfs pull` there, or "
        "download the file from the repository's page",
    ),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\x89HDF", "an HDF5 file, as Keras writes it; save the weights as .safetensors"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"\0" * 64, f"a file of zeros, whose download never finished; {_AGAIN}"),
)
_PAGE: Final = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<script")
# Packages whose models are saved as objects, and how they get here.
_OBJECTS_OF: Final = {
    "ultralytics": "a model of Ultralytics. Open it with its own library, and give the model or "
    "its results to seg_widgets: Prediction.of(result)",
    "models": "a model of YOLOv5 or a library like it. Open it with its own library, and give the "
    "results to seg_widgets: Prediction.of(result)",
    "torchvision": "a whole model of torchvision. Open it where you trust it, and wrap it: "
    "seg_widgets.wrap(model, classes=…)",
    "detectron2": "a whole model of detectron2. Open it where you trust it, and save its state "
    "dict alone: torch.save(model.state_dict(), …)",
}


def check_kind(path: Path) -> None:
    """Refuse a file that is no weights, by how it begins.

    Args:
        path: the file.

    Raises:
        WeightsError: it may not be read, or is something else; the message says what.
    """
    head = _head(path)
    what = next((text for start, text in _KINDS if head.startswith(start)), None)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGE):
        what = (
            "a web page (HTML), such as Google Drive's warning or a login. Open the address in a "
            "browser and download the file itself"
        )
    elif path.suffix.lower() == ".onnx" or _looks_like_onnx(head):
        what = (
            "an ONNX file, which has lost the names of the model's tensors. Export the weights of "
            "the original model"
        )
    if what is not None:
        raise WeightsError(f"{path.name} is {what}.")


def format_of(path: Path) -> Format | None:
    """Return the format of a file of weights by its content, else by its name; None: neither.

    Args:
        path: the file, which `check_kind` let pass.
    """
    head = _head(path)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return "safetensors"
    by_name = _FORMATS.get(path.suffix.lower())
    if by_name is None:
        return None
    if head.startswith((b"PK\x03\x04", _TORCH_MAGIC)):
        return "torch"
    return "pickle" if by_name == "torch" and head[:1] == b"\x80" else by_name


def why_refused(path: Path, name: str) -> str:
    """Say why a file that asks for an object of another package is refused.

    Args:
        path: the file.
        name: what it asks for, such as "ultralytics.nn.tasks.SegmentationModel".
    """
    what = _OBJECTS_OF.get(name.partition(".")[0])
    if what is not None:
        return f"{path.name} holds Python objects ({name}) and is {what}."
    return (
        f"{path.name} holds more than tensors, and loading it would run its code ({name}). Save "
        "the state dict alone (torch.save(model.state_dict(), …)) or use safetensors."
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise WeightsError(
            f"{path.name} can't be read ({error.strerror or error}); check its permissions."
        ) from error


def _looks_like_onnx(head: bytes) -> bool:
    """Whether a file begins as ONNX's protobuf does: the version, then the producer's name."""
    return head[:1] == b"\x08" and head[2:3] == b"\x12" and head[4 : 4 + 4].isalpha()
