# === a table that a library wraps: unresolved
from types import MappingProxyType
TABLE = MappingProxyType({"b": b})
def start(kind):
    a()
    TABLE[kind]()


# === a table that a library wraps, asked for a key: unresolved
from types import MappingProxyType
TABLE = MappingProxyType({"b": b})
def start(kind):
    a()
    TABLE.get(kind)()


# === a table that a library wraps which calls nothing: unresolved
from werkzeug.datastructures import ImmutableDict
def start(kind):
    a()
    ImmutableDict({"b": b})[kind]()


# === a table that some library wraps: unresolved
from frozen import Frozen
TABLE = Frozen({"b": b})
def start(kind):
    a()
    TABLE[kind]()


# === a list that a library wraps: unresolved
from frozen import Frozen
ALL = Frozen([b])
def start():
    a()
    for one in ALL:
        one()


# === a table of objects that a library wraps: unresolved
from types import MappingProxyType
class C:
    def go(self): b()
TABLE = MappingProxyType({"c": C()})
def start(kind):
    a()
    TABLE[kind].go()
