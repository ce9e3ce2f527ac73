from django.apps import AppConfig


class CellarConfig(AppConfig):
    name = "cellar"

    def ready(self):
        from . import receivers  # noqa: F401
