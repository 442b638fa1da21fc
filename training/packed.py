"""What is learned from, in a few files that travel to a machine with a GPU.

    python -m training.packed FOLDER     # packs; `python -m training.learn --packed FOLDER` reads

Photographs are compressed again, masks are packed bits. The photographs may be given to nobody: the
files belong into a folder that git ignores.
"""

from __future__ import annotations

import argparse
import pickle
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from seg_widgets.finetuning.augmentation import PhotoObject, Pixels
from training.photographs import LabelledPhoto, NamedCutout
from training.reading import Sources, add_source_options, read_sources
from training.self_masks import read_outlines, with_outlines

QUALITY = 72  # of WebP
MAX_SIDE = 640
FILE_BYTES = 30_000_000


def pack(sources: Sources, folder: Path) -> list[Path]:
    """Write what is learned from.

    Args:
        sources: the photographs, cut-outs and backgrounds.
        folder: is made if it is not there.

    Returns:
        The files, each of `FILE_BYTES` or little more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    records: list[tuple[str, Any]] = []
    size = 0
    for kind, record, record_bytes in _records(sources):
        records.append((kind, record))
        size += record_bytes
        if size > FILE_BYTES:
            files.append(_write(folder, len(files), records))
            records, size = [], 0
    files.append(_write(folder, len(files), records))
    return files


def unpack(folder: Path) -> Sources:
    """Read what `pack` wrote.

    Args:
        folder: holds the files.

    Raises:
        FileNotFoundError: there are none.
    """
    files = sorted(folder.glob("sources-*.pkl"))
    if not files:
        raise FileNotFoundError(f"no sources-*.pkl in {folder}: write them with training.packed")
    sources = Sources([], [], [], [])
    for file in files:
        for kind, record in pickle.loads(file.read_bytes()):
            if kind == "cutout":
                pixels, fields = record
                sources.cutouts.append(NamedCutout(rgba=_decoded(pixels), **fields))
            elif kind == "background":
                name, pixels = record
                sources.backgrounds.append((name, _decoded(pixels)))
            else:
                photos = sources.train if kind == "train" else sources.validation
                photos.append(_photo(record))
    return sources


def _records(sources: Sources) -> Iterator[tuple[str, Any, int]]:
    """Each record, with its kind and its bytes."""
    for kind, photos in (("train", sources.train), ("validation", sources.validation)):
        for photo in photos:
            pixels = _encoded(photo.image)
            masks = [
                (item.class_id, item.x, item.y, item.mask.shape, item.crowd, _bits(item.mask))
                for item in photo.objects
            ]
            fields = {
                "key": photo.key,
                "background": photo.background,
                "share": photo.share,
                "labelled": photo.labelled,
            }
            yield kind, (pixels, masks, fields), len(pixels) + sum(len(one[-1]) for one in masks)
    for cutout in sources.cutouts:
        pixels = _encoded(cutout.rgba)
        fields = {
            "key": cutout.key,
            "source": cutout.source,
            "class_id": cutout.class_id,
            "target": cutout.target,
        }
        yield "cutout", (pixels, fields), len(pixels)
    for name, image in sources.backgrounds:
        scale = min(MAX_SIDE / max(image.shape[:2]), 1.0)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        pixels = _encoded(np.asarray(small, np.uint8))
        yield "background", (name, pixels), len(pixels)


def _write(folder: Path, number: int, records: Sequence[tuple[str, Any]]) -> Path:
    file = folder / f"sources-{number}.pkl"
    file.write_bytes(pickle.dumps(list(records), protocol=5))
    return file


def _encoded(pixels: Pixels) -> bytes:
    code = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, data = cv2.imencode(
        ".webp", cv2.cvtColor(pixels, code), [cv2.IMWRITE_WEBP_QUALITY, QUALITY]
    )
    assert done
    return data.tobytes()


def _decoded(data: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def _bits(mask: Pixels) -> bytes:
    return zlib.compress(np.packbits(mask).tobytes())


def _photo(record: Any) -> LabelledPhoto:
    pixels, masks, fields = record
    objects = []
    for class_id, x, y, (height, width), crowd, data in masks:
        bits = np.frombuffer(zlib.decompress(data), np.uint8)
        mask = np.unpackbits(bits, count=height * width).reshape(height, width)
        objects.append(PhotoObject(class_id, x, y, mask, crowd))
    return LabelledPhoto(image=_decoded(pixels), objects=tuple(objects), **fields)


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack, and print the files."""
    parser = argparse.ArgumentParser(prog="python -m training.packed", description=__doc__)
    parser.add_argument("folder", type=Path)
    add_source_options(parser)
    parser.add_argument("--outlines", type=Path, help="pack what training.self_masks wrote, too")
    options = parser.parse_args(arguments)
    sources = read_sources(options)
    if options.outlines is not None:
        sources.train = with_outlines(sources.train, read_outlines(options.outlines))
    for file in pack(sources, options.folder):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
