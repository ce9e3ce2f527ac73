"""The backend for OpenTelemetry."""
