"""Any error as one that can be shown."""

from __future__ import annotations

import logging

from ..errors import SegWidgetsError

__all__ = ["presentable"]

_log = logging.getLogger(__name__)


def presentable(error: BaseException, what: str, kind: type[SegWidgetsError]) -> SegWidgetsError:
    """Log an error, and make one of ours of it.

    The result has no traceback and no cause: their frames would keep images in memory.

    Args:
        error: What was raised; one of our own stays what it is.
        what: What was attempted, such as "load the model".
        kind: The class for an error that is not our own.
    """
    if isinstance(error, SegWidgetsError):
        _log.debug("Could not %s", what, exc_info=error)
        shown = error
    else:
        _log.error("Could not %s", what, exc_info=error)
        text = f"sys.exit({error.code!r})" if isinstance(error, SystemExit) else str(error)
        detail = f": {text.rstrip('.')}" if text else ""
        shown = kind(
            f"Something unexpected stopped the attempt to {what} ({type(error).__name__}{detail}). "
            "The kernel's log has the details; try again, or try another image."
        )
    error.__traceback__ = shown.__traceback__ = None
    shown.__cause__ = shown.__context__ = None
    return shown
