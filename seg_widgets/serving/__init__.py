"""One model for many: a server with worker processes, and the predictor that asks it.

Importing this folder loads neither the server's packages nor torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .client import RemotePredictor
    from .server import serve
    from .settings import (
        DEFAULT_PORT,
        SERVER_VARIABLE,
        TOKEN_VARIABLE,
        ModelSettings,
        ServerSettings,
        environment,
    )

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "client": ["RemotePredictor"],
        "server": ["serve"],
        "settings": [
            "DEFAULT_PORT",
            "SERVER_VARIABLE",
            "TOKEN_VARIABLE",
            "ModelSettings",
            "ServerSettings",
            "environment",
        ],
    },
)

__all__ = [
    "DEFAULT_PORT",
    "SERVER_VARIABLE",
    "TOKEN_VARIABLE",
    "ModelSettings",
    "RemotePredictor",
    "ServerSettings",
    "environment",
    "serve",
]
