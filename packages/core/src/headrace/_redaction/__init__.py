"""Redaction of secrets in output: log lines, reports, messages, pickles."""
