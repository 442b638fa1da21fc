"""The names by which people know the models of detectron2's model zoo."""

from __future__ import annotations

import difflib
import re
from typing import Final

from .catalogue import ModelCard, find_card, known_cards
from .zoo import ZOO_ADDRESS

__all__ = ["card_at", "card_meant", "names_like"]

_SCHEME: Final = "detectron2://"
_CONFIG_ENDING: Final = re.compile(r"\.(yaml|yml|py)$")


def card_meant(name: str) -> ModelCard | None:
    """Return the card of the model that a name means, or None; no file is looked at.

    Args:
        name: our name; the name of its config in the zoo, with or without folder and ending
            ("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml", "mask_rcnn_R_50_FPN_3x");
            the address of its weights; or their file's name ("model_final_f10217.pkl"). A name
            that several data sets have, without its folder, means the one trained on COCO.
    """
    exact = find_card(name)
    if exact is not None or "://" in name:
        return exact or card_at(name)
    config = _CONFIG_ENDING.sub("", name)
    cards = [card for card in known_cards() if card.file]
    for known in (_path_of, _config_of, _file_of):
        found = next((card for card in cards if known(card) in (config, name)), None)
        if found is not None:
            return found
    return None


def card_at(address: str) -> ModelCard | None:
    """Return the card of the model whose weights have this address, or None.

    Args:
        address: what `model_zoo.get_checkpoint_url` returns, its form "detectron2://…", or the
            address of a mirror's copy.
    """
    path = address.removeprefix(ZOO_ADDRESS).removeprefix(_SCHEME)
    cards = (card for card in known_cards() if card.file)
    return next((card for card in cards if path == card.file or address == card.address), None)


def names_like(name: str) -> list[str]:
    """Return our names of up to three models whose own or config's name is nearly this one."""
    known = {card.name: card.name for card in known_cards()}
    for card in known_cards():
        if card.file:
            known.setdefault(_path_of(card).lower(), card.name)
            known.setdefault(_config_of(card).lower(), card.name)
    wanted = _CONFIG_ENDING.sub("", name.lower())
    close = difflib.get_close_matches(wanted, known, 3, 0.75)
    return list(dict.fromkeys(known[match] for match in close))


def _path_of(card: ModelCard) -> str:
    return _CONFIG_ENDING.sub("", card.config)


def _config_of(card: ModelCard) -> str:
    return _path_of(card).rpartition("/")[2]


def _file_of(card: ModelCard) -> str:
    return card.file_name
