"""Trace context: the W3C headers, and the span that OpenTelemetry has active."""
