"""headrace for Flask: every request, stream and log line under one correlation ID."""
