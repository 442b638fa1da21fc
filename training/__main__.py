"""`python -m training`: see `make_starter`."""

from training.make_starter import main

raise SystemExit(main())
