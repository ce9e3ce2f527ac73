"""Starts a program again whenever it is killed, as systemd does: ``keep_running.py ARGUMENTS``."""

from __future__ import annotations

import signal
import subprocess
import sys

if __name__ == "__main__":
    status = -signal.SIGKILL
    while status == -signal.SIGKILL:
        status = subprocess.call([sys.executable, *sys.argv[1:]])  # noqa: S603
    sys.exit(status)
