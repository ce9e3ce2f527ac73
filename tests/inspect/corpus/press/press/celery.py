from celery import Celery

app = Celery("press", broker="redis://localhost:6379/0")
app.autodiscover_tasks(["press"])
