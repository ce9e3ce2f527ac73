"""headrace for Celery: the correlation ID survives publishing, retries and canvas."""
