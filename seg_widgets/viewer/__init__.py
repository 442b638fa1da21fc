"""The interactive view without a kernel: its message, its page, and notebooks saved as a page."""

from __future__ import annotations

from .assets import LazyText, script, stylesheet
from .compared import Compared
from .content import (
    IMAGE_FORMATS,
    Content,
    EncodedImage,
    compare_content,
    decode_content,
    encode_content,
    encode_image,
    with_soft_masks,
)
from .notebook import notebook_to_html
from .page import page_of, to_html

__all__ = [
    "IMAGE_FORMATS",
    "Compared",
    "Content",
    "EncodedImage",
    "LazyText",
    "compare_content",
    "decode_content",
    "encode_content",
    "encode_image",
    "notebook_to_html",
    "page_of",
    "script",
    "stylesheet",
    "to_html",
    "with_soft_masks",
]
