"""headrace for Django: every request, stream and log line under one correlation ID."""
