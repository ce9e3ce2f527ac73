"""Trace context: the W3C headers and OpenTelemetry's active span."""
