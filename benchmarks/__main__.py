"""Run the benchmarks and print their tables: `make bench`."""

from __future__ import annotations

from . import first_light

if __name__ == "__main__":
    first_light.main()
