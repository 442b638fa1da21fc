"""Input that may come from anybody, made from a seed and tried for some minutes: `make fuzz`."""
