CHECKS = []


def check(*, order=0):
    def register(fn):
        CHECKS.append((order, fn))
        return fn

    return register


class Bus:
    def __init__(self):
        self._handlers = {}

    def on(self, topic):
        def register(fn):
            self._handlers.setdefault(topic, []).append(fn)
            return fn

        return register

    def emit(self, topic, *args):
        for handler in self._handlers.get(topic, ()):
            handler(*args)


bus = Bus()
