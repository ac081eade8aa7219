"""How long a test takes the time: `make test` runs each for a short while, `make test-long` the statistical ones and the
exhaustive ones at their full length.

A test whose length differs is marked `long`, and takes its numbers or its cases from `length(short, long)`. Both lengths
ask the same question; the long one asks it more often.
"""

import os

IS_LONG = os.environ.get("LATCHKEY_TEST_LENGTH") == "long"


def length(short, long):
    """The one of both that goes with this run."""
    return long if IS_LONG else short
