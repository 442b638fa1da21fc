"""Runs on Ray Data with real workers, in an environment of its own: `make ray-test`."""
