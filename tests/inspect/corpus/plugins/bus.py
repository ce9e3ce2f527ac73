"""An event bus, as every project has one."""

from collections import defaultdict


class Bus:
    def __init__(self):
        self._listeners = defaultdict(list)

    def on(self, topic):
        def register(function):
            self._listeners[topic].append(function)
            return function

        return register

    def subscribe(self, topic, function):
        self._listeners[topic].append(function)

    def publish(self, topic, *args):
        for function in self._listeners[topic]:
            function(*args)


bus = Bus()
