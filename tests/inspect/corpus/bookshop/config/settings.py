SECRET_KEY = "not a secret"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "headrace_django",
    "orders.apps.OrdersConfig",
    "payments.apps.PaymentsConfig",
]
MIDDLEWARE = ["headrace_django.middleware.FlowMiddleware"]
ROOT_URLCONF = "config.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "bookshop.sqlite3"}}
