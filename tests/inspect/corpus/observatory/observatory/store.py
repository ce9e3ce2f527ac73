_objects = {}


def listing(prefix):
    return sorted(key for key in _objects if key.startswith(prefix))


def put(key, value):
    _objects[key] = value


def drop(key):
    _objects.pop(key, None)
