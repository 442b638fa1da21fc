"""Round trips with the programs that read what we export: `make readers-test`."""
