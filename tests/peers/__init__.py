"""Tests against the real releases of other libraries, in an environment of its own: `make
peers-test`."""
