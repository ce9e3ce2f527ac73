from django.db import models

from headrace import step


class ReportQuerySet(models.QuerySet):
    def open(self):
        return self.filter(closed=False)

    @step("closing", after="lock")
    def close_reports(self, by):
        return self.update(closed=True, by=by)


class Thread(models.Model):
    title = models.CharField(max_length=100)
    locked = models.BooleanField(default=False)

    @step("closing", after="close")
    def lock(self):
        self.locked = True
        self.save(update_fields=["locked"])


class Post(models.Model):
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="posts")
    text = models.TextField()


class Report(models.Model):
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="reports")
    closed = models.BooleanField(default=False)

    objects = ReportQuerySet.as_manager()
