"""How long a run over many images takes on a cluster that is lost in parts: a simulation.

    python -m benchmarks.cluster_simulation --images 1e9 --workers 1000 --seconds 0.025

Workers take one part of the run after the other, as Ray's do. Each part takes as long as its
images, times what makes some workers slow (stragglers). Workers are lost at random: the part that
they were at is done again from its beginning, by another worker, and a worker comes back after a
while. The events are simulated one by one; nothing is drawn from averages.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Cluster", "Outcome", "simulate"]


@dataclass(frozen=True)
class Cluster:
    """What the simulation assumes."""

    images: float
    """How many there are."""
    workers: int
    """How many work at a time."""
    seconds: float
    """Of one image on an ordinary worker: reading, the model, and writing."""
    images_per_part: int = 500
    slow_share: float = 0.05
    """How many of the workers are slow."""
    slow_factor: float = 3.0
    """How many times as long those take."""
    spread: float = 0.1
    """The standard deviation of a part's time, as a share of it (log-normal)."""
    hours_to_loss: float = 24.0
    """The mean time until a worker is lost, such as a machine that was cheap."""
    restart_s: float = 180.0
    """Until one is there in its place: a machine, its software, the model."""


@dataclass(frozen=True)
class Outcome:
    """What came of a simulated run."""

    hours: float
    """From the first to the last part."""
    ideal_hours: float
    """If all workers were ordinary ones and none were lost."""
    lost: int
    """How often a worker was lost."""
    repeated: float
    """Of all work, the share that was done again."""
    tail_hours: float
    """From when the last part was begun to the end: workers have nothing to do meanwhile."""


def simulate(cluster: Cluster, seed: int = 0) -> Outcome:
    """Simulate one run.

    Args:
        cluster: what is assumed.
        seed: of the chances.

    Returns:
        What came of it.
    """
    chances = random.Random(seed)
    parts = math.ceil(cluster.images / cluster.images_per_part)
    part_s = cluster.images_per_part * cluster.seconds
    slow = int(cluster.workers * cluster.slow_share)
    factors = [cluster.slow_factor] * slow + [1.0] * (cluster.workers - slow)
    chances.shuffle(factors)

    # Who is free, and when.
    free = [(0.0, worker) for worker in range(cluster.workers)]
    heapq.heapify(free)
    again: deque[float] = deque()
    left, lost, repeated_s, worked_s = parts, 0, 0.0, 0.0
    end_s = last_begun_s = 0.0
    while left or again:
        now_s, worker = heapq.heappop(free)
        if left:
            left -= 1
        else:
            # The part of a worker that was lost, once it is known that it was.
            now_s = max(now_s, again.popleft())
        last_begun_s = max(last_begun_s, now_s)
        took_s = part_s * factors[worker] * chances.lognormvariate(0.0, cluster.spread)
        until_loss_s = chances.expovariate(1 / (cluster.hours_to_loss * 3600))
        if until_loss_s < took_s:
            lost += 1
            repeated_s += until_loss_s
            again.append(now_s + until_loss_s)
            heapq.heappush(free, (now_s + until_loss_s + cluster.restart_s, worker))
            continue
        worked_s += took_s
        end_s = max(end_s, now_s + took_s)
        heapq.heappush(free, (now_s + took_s, worker))
    return Outcome(
        end_s / 3600,
        cluster.images * cluster.seconds / cluster.workers / 3600,
        lost,
        repeated_s / (worked_s + repeated_s),
        (end_s - last_begun_s) / 3600,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the outcome of one cluster, for parts of several sizes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=float, default=1e7)
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.4, help="of one image on one worker")
    parser.add_argument("--slow-share", type=float, default=Cluster.slow_share)
    parser.add_argument("--slow-factor", type=float, default=Cluster.slow_factor)
    parser.add_argument("--hours-to-loss", type=float, default=Cluster.hours_to_loss)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    print("images/part      parts    hours    ideal     lost  repeated   tail (h)")
    for size in (100, 500, 2000, 10_000):
        cluster = Cluster(
            options.images,
            options.workers,
            options.seconds,
            size,
            options.slow_share,
            options.slow_factor,
            hours_to_loss=options.hours_to_loss,
        )
        found = simulate(cluster, options.seed)
        print(
            f"{size:11,} {math.ceil(options.images / size):10,} {found.hours:8.2f} "
            f"{found.ideal_hours:8.2f} {found.lost:8,} {found.repeated:9.2%} "
            f"{found.tail_hours:10.2f}"
        )


if __name__ == "__main__":
    main()
