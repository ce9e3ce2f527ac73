from celery import Celery
from celery.schedules import crontab

import headrace_celery

app = Celery(
    "observatory",
    broker="amqp://localhost",
    include=["observatory.tasks.night", "observatory.tasks.calib", "observatory.tasks.alerts"],
)
app.conf.update(
    task_acks_late=True,
    task_routes={"observatory.tasks.night.*": {"queue": "night"}},
    beat_schedule={
        "calibration": {
            "task": "observatory.tasks.calib.nightly_calib",
            "schedule": crontab(hour=6, minute=0),
        },
        "flats": {
            "task": "observatory.tasks.calib.weekly_calib",
            "schedule": crontab(hour=7, minute=0, day_of_week="sun"),
        },
    },
)
headrace_celery.init_app(app)
