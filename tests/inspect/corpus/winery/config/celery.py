import os

from celery import Celery

import headrace_celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("winery")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
headrace_celery.init_app(app)
