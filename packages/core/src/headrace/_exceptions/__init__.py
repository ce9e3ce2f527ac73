"""Exceptions: control flow, detection of re-raising, copies without secrets."""
