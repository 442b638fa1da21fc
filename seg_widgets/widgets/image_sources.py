"""The controls that an image comes from: the upload button, the address, the samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import ipywidgets

from .. import images
from ..errors import ImageError
from ..images import Upload
from .address_field import AddressField
from .settings import sample_name

__all__ = ["ImageSources"]

_PICK: Final = "Samples"


class ImageSources:
    """The upload button, the address field and the picker of samples; one image comes from one of
    them, and the others are emptied.

    Args:
        samples: Images by the name that the picker shows.
        on_files: Takes the files that were uploaded.
        on_address: Takes the address that was entered.
        on_sample: Takes the sample that was picked, and what to call it.
        on_error: Takes what went wrong with an upload or an address, in words.
        has_failed: Whether the last request failed.
    """

    def __init__(
        self,
        samples: Mapping[str, object],
        *,
        on_files: Callable[[list[Upload]], None],
        on_address: Callable[[str], None],
        on_sample: Callable[[object, str], None],
        on_error: Callable[[str], None],
        has_failed: Callable[[], bool],
    ) -> None:
        self._samples = samples
        self._on_files = on_files
        self._on_address = on_address
        self._on_sample = on_sample
        self._on_error = on_error

        auto = {"width": "auto"}
        self.upload = ipywidgets.FileUpload(
            accept=images.ACCEPT,
            multiple=True,
            description="Upload images",
            button_style="primary",
            layout=auto,
        )
        """The upload button, an `ipywidgets.FileUpload`."""
        if self.upload.has_trait("tooltip"):  # ipywidgets 8, which shows "null" without one
            self.upload.tooltip = "Choose one or more images on your computer"

        self.address = AddressField(self._open_address, on_error, has_failed)
        """The address field."""

        names = [(name, name) for name in samples]
        self.picker = ipywidgets.Dropdown(
            options=[(_PICK, ""), *names], value="", description=_PICK, layout=auto
        )
        """The samples, an `ipywidgets.Dropdown`."""

        self.upload.observe(self._on_upload, "value")
        self.picker.observe(self._on_pick, "value")

    def reset(self) -> None:
        """Empty the address and the picker: the image comes from elsewhere."""
        self.picker.value = ""
        self.address.reset()

    def _on_upload(self, change: Any) -> None:
        try:
            uploads = images.uploads(change["new"])
        except ImageError as error:
            self._on_error(str(error))
            return
        if not uploads:
            return
        # Emptied, so that the same file can be chosen again, and its bytes don't stay in the
        # widget's state.
        if self.upload.has_trait("_counter"):  # ipywidgets 7, whose value follows from these three
            self.upload.metadata = []
            self.upload.data = []
            self.upload._counter = 0
        else:
            self.upload.value = ()
        self._on_files(uploads)

    def _open_address(self, address: str) -> None:
        self.picker.value = ""
        self._on_address(address)

    def _on_pick(self, change: Any) -> None:
        name = change["new"]
        if name:
            self.address.reset()
            source = self._samples[name]
            self._on_sample(source, sample_name(source, name))
