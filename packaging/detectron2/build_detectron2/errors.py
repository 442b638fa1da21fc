"""The one exception of the build."""


class BuildError(Exception):
    """The wheel cannot be built; the message names the cause and the fix."""
