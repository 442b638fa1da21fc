"""The instance-segmentation models of detectron2 0.6's model zoo, every one that has weights.

Figures are those of https://github.com/facebookresearch/detectron2/blob/v0.6/MODEL_ZOO.md, and of
configs/Detectron1-Comparisons/README.md in the same repository.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["ZOO_ADDRESS", "ZooRow", "zoo_rows"]

ZOO_ADDRESS: Final = "https://dl.fbaipublicfiles.com/detectron2/"
"""Where the zoo's weights are published."""


@dataclass(frozen=True)
class ZooRow:
    """One row of the zoo's tables.

    Attributes:
        name: our name for the model.
        config: its config in the zoo.
        classes: how many classes it knows.
        trained_on: the data set.
        box_ap: published box AP in percent, or None.
        mask_ap: published mask AP in percent, or None.
        seconds: published time an image on a V100, or None.
        megabytes: size of its weights (10⁶ bytes): that of its tensors, and of the X152, whose file
            holds more, that of the file.
        file: path of its weights below the zoo's address.
    """

    name: str
    config: str
    classes: int
    trained_on: str
    box_ap: float | None
    mask_ap: float | None
    seconds: float | None
    megabytes: float
    file: str


@dataclass(frozen=True)
class _Family:
    """One folder of the zoo.

    `rows` has a model a line: name, config (without "mask_rcnn_" at its beginning), box AP, mask
    AP, seconds, megabytes, and id and digest of the weights (or the name of their file without
    its ending); "-": not published.
    """

    folder: str
    ending: str
    classes: int
    trained_on: str
    rows: str


_FAMILIES: Final = (
    _Family(
        "COCO-InstanceSegmentation",
        ".yaml",
        80,
        "COCO",
        """
coco-r50-c4-1x   R_50_C4_1x         36.8 32.2 0.110 144.1 137259246/9243eb
coco-r50-dc5-1x  R_50_DC5_1x        38.3 34.2 0.076 689.8 137260150/4f86c3
coco-r50-fpn-1x  R_50_FPN_1x        38.6 35.2 0.043 177.8 137260431/a54504
coco-r50-c4-3x   R_50_C4_3x         39.8 34.4 0.111 144.1 137849525/4ce675
coco-r50-dc5-3x  R_50_DC5_3x        40.0 35.9 0.076 689.8 137849551/84107b
coco-r50-fpn-3x  R_50_FPN_3x        41.0 37.2 0.043 177.8 137849600/f10217
coco-r101-c4-3x  R_101_C4_3x        42.6 36.7 0.145 220.2 138363239/a2914c
coco-r101-dc5-3x R_101_DC5_3x       41.9 37.3 0.092 766.0 138363294/0464b7
coco-r101-fpn-3x R_101_FPN_3x       42.9 38.6 0.056 254.0 138205316/a3ec72
coco-x101-fpn-3x X_101_32x8d_FPN_3x 44.3 39.5 0.103 431.3 139653917/2d9806
""",
    ),
    _Family(
        "new_baselines",
        ".py",
        80,
        "COCO",
        """
coco-r50-fpn-lsj-100        R_50_FPN_100ep_LSJ            44.6 40.3 0.069 185.5 42047764/bb69de
coco-r50-fpn-lsj-200        R_50_FPN_200ep_LSJ            -    -    0.069 185.5 42047638/89a8d3
coco-r50-fpn-lsj-400        R_50_FPN_400ep_LSJ            47.4 42.5 0.069 185.5 42019571/14d201
coco-r101-fpn-lsj-100       R_101_FPN_100ep_LSJ           46.4 41.6 -     261.6 42025812/4f7b58
coco-r101-fpn-lsj-200       R_101_FPN_200ep_LSJ           -    -    -     261.6 42131867/0bb7ae
coco-r101-fpn-lsj-400       R_101_FPN_400ep_LSJ           48.9 43.7 -     261.6 42073830/f96b26
coco-regnetx4gf-fpn-lsj-100 regnetx_4gf_dds_FPN_100ep_LSJ 46.0 41.3 0.071 172.9 42047771/b7fbab
coco-regnetx4gf-fpn-lsj-200 regnetx_4gf_dds_FPN_200ep_LSJ -    -    0.071 172.9 42132721/5d87c1
coco-regnetx4gf-fpn-lsj-400 regnetx_4gf_dds_FPN_400ep_LSJ 48.6 43.5 0.071 172.9 42025447/f1362d
coco-regnety4gf-fpn-lsj-100 regnety_4gf_dds_FPN_100ep_LSJ 46.1 41.6 0.073 167.7 42047784/6ba57e
coco-regnety4gf-fpn-lsj-200 regnety_4gf_dds_FPN_200ep_LSJ -    -    0.073 167.7 42047642/27b9c1
coco-regnety4gf-fpn-lsj-400 regnety_4gf_dds_FPN_400ep_LSJ 48.2 43.3 0.073 167.7 42045954/ef3a80
""",
    ),
    _Family(
        "Misc",
        ".yaml",
        80,
        "COCO",
        """
coco-r50-fpn-cascade-1x cascade_mask_rcnn_R_50_FPN_1x 42.1 36.4 0.052 288.4 138602847/e9d89b
coco-r50-fpn-cascade-3x cascade_mask_rcnn_R_50_FPN_3x 44.3 38.5 0.053 288.4 144998488/480dd8
coco-r50-fpn-gn-3x      R_50_FPN_3x_gn                42.6 38.6 0.060 182.8 138602888/dc5d9e
coco-r50-fpn-syncbn-3x  R_50_FPN_3x_syncbn            41.9 37.8 0.053 183.1 169527823/3b3c51
coco-r50-fpn-scratch-gn-3x scratch_mask_rcnn_R_50_FPN_3x_gn 39.9 36.6 0.061 182.8 138602908/01ca85
coco-r50-fpn-scratch-gn-9x scratch_mask_rcnn_R_50_FPN_9x_gn 43.7 39.6 0.061 182.8 183808979/da7b4c
coco-r50-fpn-scratch-syncbn-9x scratch_mask_rcnn_R_50_FPN_9x_syncbn 43.6 39.3 0.055 183.1 184226666/5ce33e
coco-r50-fpn-dconv-1x R_50_FPN_1x_dconv_c3-c5 41.5 37.5 0.048 180.1 138602867/65c703
coco-r50-fpn-dconv-3x R_50_FPN_3x_dconv_c3-c5 42.7 38.5 0.047 180.1 144998336/821d0b
coco-x152-fpn-cascade cascade_mask_rcnn_X_152_32x8d_FPN_IN5k_gn_dconv 50.2 44.0 0.234 1080.0 18131413/model_0039999_e76410
""",  # noqa: E501
    ),
    _Family(
        "Detectron1-Comparisons",
        ".yaml",
        80,
        "COCO",
        """
coco-r50-fpn-noaug-1x R_50_FPN_noaug_1x 37.8 34.9 0.043 177.8 137781281/62ca52
""",
    ),
    _Family(
        "LVISv0.5-InstanceSegmentation",
        ".yaml",
        1230,
        "LVIS v0.5",
        """
lvis-r50-fpn-1x  R_50_FPN_1x        23.6 24.4 0.107 202.6 144219072/571f7c
lvis-r101-fpn-1x R_101_FPN_1x       25.6 25.9 0.114 278.7 144219035/824ab5
lvis-x101-fpn-1x X_101_32x8d_FPN_1x 26.7 27.1 0.151 456.1 144219108/5e3439
""",
    ),
    _Family(
        "Cityscapes",
        ".yaml",
        8,
        "Cityscapes",
        """
cityscapes-r50-fpn R_50_FPN - 36.5 0.078 176.2 142423278/af9cf5
""",
    ),
)


def zoo_rows() -> Iterator[ZooRow]:
    """Yield every model of the zoo that is offered, in the order in which it is listed."""
    for family in _FAMILIES:
        for line in family.rows.split("\n"):
            if line:
                yield _row(family, line)


def _row(family: _Family, line: str) -> ZooRow:
    name, config, box_ap, mask_ap, seconds, megabytes, weights = line.split()
    number, digest = weights.split("/")
    file = digest if "_" in digest else f"model_final_{digest}"
    if "mask_rcnn_" not in config:
        config = f"mask_rcnn_{config}"
    return ZooRow(
        name,
        f"{family.folder}/{config}{family.ending}",
        family.classes,
        family.trained_on,
        _figure(box_ap),
        _figure(mask_ap),
        _figure(seconds),
        float(megabytes),
        f"{family.folder}/{config}/{number}/{file}.pkl",
    )


def _figure(text: str) -> float | None:
    return None if text == "-" else float(text)
