from celery import Celery

import headrace_celery

app = Celery("sweeper", broker="redis://localhost:6379/0")
headrace_celery.init_app(app)
app.conf.beat_schedule = {
    "tidy": {"task": "tidying.tidy_up", "schedule": 3600.0},
    "weekly": {"task": "tidying.compact", "schedule": 7 * 24 * 3600.0},
}
