"""How long a test takes: `make test` runs each for a short while, `make test-long` those that are statistical at their
full length, and every race ten times.

A test whose length differs is marked `long`, and takes its numbers or its cases from `length(short, long)`. Both ask
the same question; the long one asks it more often.
"""

import os

IS_LONG = os.environ.get("LATCHKEY_TEST_LENGTH") == "long"


def length(short, long):
    """The one of both that goes with this run."""
    return long if IS_LONG else short
