_services = {}


def provide(name, service):
    _services[name] = service


def locate(name):
    return _services[name]
