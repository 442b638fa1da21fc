"""The starter's classes, in the order of the weights' class ids, and which class each source's
objects belong to."""

CLASSES: tuple[str, ...] = (
    # COCO's twelve supercategories, in COCO's order.
    "person",
    "vehicle",
    "outdoor",
    "animal",
    "accessory",
    "sports",
    "kitchen",
    "food",
    "furniture",
    "electronic",
    "appliance",
    "indoor",
    # What the cut-outs add and COCO lacks.
    "plant",
    "clothing",
    "instrument",
    "tool",
    "coin",
)
COCO_GROUPS = CLASSES[:12]

TUXPAINT_GROUPS: tuple[tuple[str, str | None], ...] = (
    # Path prefix under `stamps/` -> class; the first match counts, None leaves the image out.
    ("seasonal/easter/bluebird", "animal"),
    ("seasonal/easter/butterfly", "animal"),
    ("seasonal/easter/chick", "animal"),
    ("seasonal/easter/bunny", "animal"),
    ("seasonal/easter/daffodil", "plant"),
    ("seasonal/easter/wrapped_chocolate", "food"),
    ("seasonal/christmas/Roast_turkey", "food"),
    ("seasonal/christmas/hard_candy", "food"),
    ("seasonal/christmas/candy_cane", "food"),
    ("seasonal/christmas/Christmas_pudding", "food"),
    ("seasonal/christmas/Mince_Pie", "food"),
    ("seasonal/christmas/tree", "plant"),
    ("seasonal/christmas/Christmas_Tree", "plant"),
    ("seasonal/christmas/santahat", "clothing"),
    ("seasonal/", None),
    ("animals/", "animal"),
    ("food/", "food"),
    ("plants/", "plant"),
    ("vehicles/", "vehicle"),
    ("military/vehicles", "vehicle"),
    ("space/apollo_lander", "vehicle"),
    ("space/voyager", "vehicle"),
    ("space/spacewalk", "person"),
    ("clothes/clothespin", None),
    # Drawn, not photographed, and in the clip art as well.
    ("clothes/hats/blue_fedora", None),
    ("clothes/hats/sombrero", None),
    ("clothes/button", None),
    ("clothes/", "clothing"),
    ("household/dishes/utensils/nutcracker", "tool"),
    ("household/dishes", "kitchen"),
    ("household/kettle", "kitchen"),
    ("household/electronics", "electronic"),
    ("household/arttools/scissors", "tool"),
    ("household/tools", "tool"),
    ("hobbies/music", "instrument"),
    ("hobbies/camera", "electronic"),
    ("sports/trophy", None),
    ("sports/rugby_goal", None),
    ("sports/", "sports"),
    ("town/roadsigns/traffic_cone", "outdoor"),
    ("town/roadsigns", "outdoor"),
    ("town/usps_mailbox", "outdoor"),
    ("town/uk_post_box", "outdoor"),
    ("symbols/money/us/coins", "coin"),
    ("symbols/money/euro/coins", "coin"),
    ("symbols/money/canadian/coins", "coin"),
    ("symbols/money/japanese", "coin"),
    ("people/fireman", "person"),
)

EMOJI_GROUPS: dict[str, str] = {
    # OpenMoji's subgroup -> class, before the exceptions below.
    "animal-amphibian": "animal",
    "animal-bird": "animal",
    "animal-bug": "animal",
    "animal-mammal": "animal",
    "animal-marine": "animal",
    "animal-reptile": "animal",
    "plant-flower": "plant",
    "plant-other": "plant",
    "dishware": "kitchen",
    "drink": "kitchen",
    "food-asian": "food",
    "food-fruit": "food",
    "food-prepared": "food",
    "food-sweet": "food",
    "food-vegetable": "food",
    "clothing": "clothing",
    "musical-instrument": "instrument",
    "tool": "tool",
    "transport-air": "vehicle",
    "transport-ground": "vehicle",
    "transport-water": "vehicle",
    "computer": "electronic",
    "phone": "electronic",
    "sport": "sports",
}

# OpenMoji's annotations whose class is another than their subgroup's; under None: images to leave
# out.
_EXCEPTIONS: dict[str | None, str] = {
    None: """
        spider web, microbe, paw prints, pig nose, feather, spiral shell, coral, nest with eggs,
        empty nest, leaf fluttering in wind, rosette, pouring liquid, ice, beverage box, takeout
        box, cooking, ring, hair pick, prayer beads, gem stone, lipstick, folding hand fan, crown,
        bomb, chains, gear, link, balance scale, ladder, shield, hook, nut and bolt, airplane
        arrival, airplane departure, flying saucer, parachute, satellite, seat, mountain cableway,
        aerial tramway, suspension railway, mountain railway, anchor, construction, motorway,
        station, railway track, bus stop, oil drum, ring buoy, police car light, fuel pump, wheel,
        roller skate, metro, tram, electric plug, low battery, battery, abacus, optical disk, dvd,
        computer disk, mobile phone with arrow, telephone receiver, floppy disk, diving mask, goal
        net, flag in hole, running shirt, martial arts uniform, sled, ice skate, fishing pole,
        carousel horse
    """,
    "accessory": """
        handbag, purse, clutch bag, backpack, briefcase, luggage, umbrella, closed umbrella,
        necktie, shopping bags, glasses, sunglasses, goggles
    """,
    "coin": """
        coin
    """,
    "electronic": """
        camera, camera with flash, television, video camera, radio, headphone, microphone, studio
        microphone
    """,
    "furniture": """
        chair, couch and lamp, bed
    """,
    "indoor": """
        alarm clock, mantelpiece clock, teddy bear, toothbrush, books, closed book, blue book,
        green book, orange book, open book, scissors, amphora
    """,
    "outdoor": """
        vertical traffic light, horizontal traffic light, stop sign, fire hydrant, postbox
    """,
    "plant": """
        potted plant
    """,
    "sports": """
        skateboard, kite
    """,
}
EMOJI_EXCEPTIONS: dict[str, str | None] = {
    " ".join(annotation.split()): name
    for name, annotations in _EXCEPTIONS.items()
    for annotation in annotations.split(",")
}


def tuxpaint_class(path: str) -> str | None:
    """Return the class of a stamp by its path under `stamps/`, or None when it is not to be
    used."""
    if "cartoon" in path or "/toys/" in path:
        return None
    for prefix, name in TUXPAINT_GROUPS:
        if path.startswith(prefix):
            return name
    return None


def emoji_class(subgroup: str, annotation: str) -> str | None:
    """Return the class of an emoji by OpenMoji's subgroup and annotation, or None when it is not to
    be used."""
    if annotation in EMOJI_EXCEPTIONS:
        return EMOJI_EXCEPTIONS[annotation]
    return EMOJI_GROUPS.get(subgroup)
