from celery import Celery

import headrace_celery

celery = Celery("newsletter")
headrace_celery.init_app(celery)
