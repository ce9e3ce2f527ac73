"""``python -m headrace`` takes no module from the folder in which it is run.

Python puts that folder before its own library then: a project with an ``argparse.py``, or one that
is only to be checked and not trusted, would have its code run. ``headrace graph`` searches the
folder by itself. This module comes before everything else, and imports what is built in alone: not
even ``__future__``, which is a file.
"""

import sys

_FLAGS = "bBdEhiIOPqRsStuvVx"


def _is_own_module(words: list[str]) -> bool:
    """Tell whether the command line `words` of Python says ``-m headrace``."""
    for word, following in zip(words[1:], [*words[2:], ""], strict=True):
        flags, found, name = word.partition("m")
        if found and flags.startswith("-") and not flags[1:].strip(_FLAGS):
            return (name or following) in {"headrace", "headrace.__main__"}
    return False


# While Python imports a package to run it by -m, it has not set the name of the program yet.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and _is_own_module(sys.orig_argv):
    del sys.path[0]
