SECRET_KEY = "not a secret"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "headrace_django",
    "cellar.apps.CellarConfig",
]
MIDDLEWARE = ["headrace_django.middleware.FlowMiddleware"]
ROOT_URLCONF = "config.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "winery.sqlite3"}}
CELERY_BROKER_URL = "redis://localhost:6379/0"
