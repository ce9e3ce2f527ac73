from celery import Celery

import headrace_celery

app = Celery("pipeline", broker="redis://localhost:6379/0")
headrace_celery.init_app(app)
