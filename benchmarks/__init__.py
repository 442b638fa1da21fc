"""Timings beside a baseline, each in one run on one machine: `make bench`. They are printed, never
asserted."""
