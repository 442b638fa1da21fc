"""The simulation of a cluster: what must come out of it whatever the chances are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.cluster_simulation import Cluster, main, simulate

# A hundred images take a hundred seconds; nobody is slow and nobody is lost.
CALM = Cluster(1e5, 10, 1.0, 100, slow_share=0, spread=0, hours_to_loss=1e9)


def test_without_mishaps_it_takes_what_the_work_takes() -> None:
    calm = simulate(CALM)
    assert calm.hours == pytest.approx(calm.ideal_hours)
    assert calm.hours == pytest.approx(1e5 / 10 / 3600)
    assert (calm.lost, calm.repeated) == (0, 0)
    # The last parts are begun together.
    assert calm.tail_hours == pytest.approx(100 / 3600)


def test_lost_workers_repeat_what_they_were_at() -> None:
    lossy = simulate(replace(CALM, hours_to_loss=1.0))
    # Ten workers for nearly three hours, each lost about once an hour.
    assert 10 < lossy.lost < 60
    assert 0 < lossy.repeated < lossy.lost * 100 / 1e5
    assert lossy.hours > lossy.ideal_hours
    assert simulate(replace(CALM, hours_to_loss=1.0)) == lossy, "the same seed, the same chances"
    small = simulate(replace(CALM, hours_to_loss=1.0, images_per_part=10))
    assert small.repeated < lossy.repeated


def test_slow_workers_keep_the_others_waiting_at_the_end_only() -> None:
    slow = simulate(replace(CALM, slow_share=0.1, slow_factor=10.0))
    # Nine ordinary workers and a tenth of one.
    assert slow.hours == pytest.approx(1e5 / 9.1 / 3600, rel=0.1)
    assert slow.tail_hours <= 1000 / 3600 + 1e-9


def test_it_prints_a_line_for_each_size_of_parts(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--images", "1e5", "--workers", "10", "--seconds", "0.1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["images/part", "100", "500", "2,000", "10,000"]
