from celery import Celery
from celery.schedules import crontab

app = Celery("school")
app.conf.beat_schedule = {
    "monthly": {"task": "school.reports.monthly", "schedule": crontab(0, 0, day_of_month="1")},
}
