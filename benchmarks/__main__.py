"""Run the benchmarks and print their tables: `make bench`."""

from __future__ import annotations

from . import canvas, first_light, weights

if __name__ == "__main__":
    first_light.main()
    print("\nFrom a file of weights to a model that has them:")
    weights.main()
    print("\nFrom a key on the threshold slider to the drawn frame, in JupyterLab:")
    canvas.main()
