"""A Django project for `tests.tracing.program`: the instrumentor needs a settings module."""

ALLOWED_HOSTS = ["*"]
DATABASES: dict[str, object] = {}
HEADRACE = {"EXCLUDE_PATHS": ["/health"]}
INSTALLED_APPS = ["headrace_django"]
MIDDLEWARE = ["headrace_django.middleware.FlowMiddleware"]
ROOT_URLCONF = "tests.tracing.django_urls"
SECRET_KEY = "not a secret"
USE_TZ = True
