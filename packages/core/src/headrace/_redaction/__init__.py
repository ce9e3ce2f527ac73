"""Keeping secrets out of what is written: log lines, reports, messages, pickles."""
