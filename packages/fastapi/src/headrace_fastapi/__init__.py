"""headrace for FastAPI and Starlette: every request and error page under one correlation ID."""
