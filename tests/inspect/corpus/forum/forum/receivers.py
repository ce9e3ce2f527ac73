from django.db.models import signals

from headrace import step

from .models import Post, Report
from .tasks import index_post


def on_save(sender, instance, created, raw=False, **kwargs):
    if raw or not created:
        return
    index_post.delay(instance.pk)


@step("posting", after="rank")
def forget_post(sender, instance, **kwargs):
    print("forget", instance.pk)


signals.post_save.connect(on_save, sender=Post, dispatch_uid="forum.index")
signals.post_delete.connect(forget_post, sender=Report)
