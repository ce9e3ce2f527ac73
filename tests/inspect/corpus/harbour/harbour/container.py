class Container:
    def __init__(self):
        self._factories = {}

    def register(self, key, factory):
        self._factories[key] = factory

    def get(self, key):
        return self._factories[key]()


container = Container()
