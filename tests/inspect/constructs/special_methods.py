# === __len__ by len(m): shown call
class M:
    def __len__(self, *args):
        return b()

def start():
    m = M()
    a()
    len(m)


# === __getitem__ by m[1]: shown call
class M:
    def __getitem__(self, *args):
        return b()

def start():
    m = M()
    a()
    m[1]


# === __setitem__ by m[1] = 2: shown call
class M:
    def __setitem__(self, *args):
        return b()

def start():
    m = M()
    a()
    m[1] = 2


# === __delitem__ by del m[1]: shown call
class M:
    def __delitem__(self, *args):
        return b()

def start():
    m = M()
    a()
    del m[1]


# === __contains__ by 1 in m: shown call
class M:
    def __contains__(self, *args):
        return b()

def start():
    m = M()
    a()
    1 in m


# === __iter__ by [x for x in m]: shown call
class M:
    def __iter__(self, *args):
        return b()

def start():
    m = M()
    a()
    [x for x in m]


# === __iter__ by sum(m): shown call
class M:
    def __iter__(self, *args):
        return b()

def start():
    m = M()
    a()
    sum(m)


# === __add__ by m + 1: shown call
class M:
    def __add__(self, *args):
        return b()

def start():
    m = M()
    a()
    m + 1


# === __radd__ by 1 + m: shown call
class M:
    def __radd__(self, *args):
        return b()

def start():
    m = M()
    a()
    1 + m


# === __iadd__ by m += 1: shown call
class M:
    def __iadd__(self, *args):
        return b()

def start():
    m = M()
    a()
    m += 1


# === __neg__ by -m: shown call
class M:
    def __neg__(self, *args):
        return b()

def start():
    m = M()
    a()
    -m


# === __lt__ by m < 3: shown call
class M:
    def __lt__(self, *args):
        return b()

def start():
    m = M()
    a()
    m < 3


# === __bool__ by assert m: shown call
class M:
    def __bool__(self, *args):
        return b()

def start():
    m = M()
    a()
    assert m


# === __len__ by while m: pass: shown call
class M:
    def __len__(self, *args):
        return b()

def start():
    m = M()
    a()
    while m: pass


# === __bool__ by not m: shown call
class M:
    def __bool__(self, *args):
        return b()

def start():
    m = M()
    a()
    not m


# === __str__ by f'{m}': shown call
class M:
    def __str__(self, *args):
        return b()

def start():
    m = M()
    a()
    f'{m}'


# === __str__ by str(m): shown call
class M:
    def __str__(self, *args):
        return b()

def start():
    m = M()
    a()
    str(m)


# === __del__ by m = None: open
class M:
    def __del__(self, *args):
        return b()

def start():
    m = M()
    a()
    m = None


# === __getattr__ by m.anything: open
class M:
    def __getattr__(self, *args):
        return b()

def start():
    m = M()
    a()
    m.anything
