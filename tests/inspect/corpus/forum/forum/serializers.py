from django.db import transaction
from rest_framework import serializers

from headrace import step

from .models import Post
from .tasks import notify


class PostSerializer(serializers.ModelSerializer):
    class Meta:
        model = Post
        fields = ["thread", "text"]

    def create(self, validated_data):
        return store_post(validated_data)


@step("posting", after="perform_create")
def store_post(data):
    names = [word[1:] for word in data["text"].split() if word.startswith("@")]
    mention(names)
    return Post.objects.create(**data)


@step("posting", after="store_post")
def mention(names):
    for name in names:
        transaction.on_commit(lambda name=name: notify(name))
