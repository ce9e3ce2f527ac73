"""A renderer: threads, pools, partial, lambda, closures, decorators, context managers."""

import atexit
import functools
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager

import tenacity

import headrace
from headrace import ContextExecutor, flow

render = flow("render")


def timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        begun = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            meter(function.__name__, time.perf_counter() - begun)

    return wrapper


def again(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            for _ in range(times):
                try:
                    return function(*args, **kwargs)
                except OSError:
                    continue
            return give_up()

        return wrapper

    return decorate


@render.entrypoint
def main(paths):
    scene = load(paths[0])
    with workspace() as folder, ThreadPoolExecutor() as pool:
        futures = [pool.submit(trace, scene, tile) for tile in range(4)]
        for future in as_completed(futures):
            future.result()
        done = list(pool.map(functools.partial(denoise, folder), range(4)))
    compose(done)
    with ProcessPoolExecutor() as processes:
        processes.submit(encode, done)
    with ContextExecutor(ThreadPoolExecutor()) as context_pool:
        context_pool.submit(upload, done)
    thread = threading.Thread(target=headrace.bind(ring), daemon=True)
    thread.start()
    with_progress(lambda: thumbnail(done))
    best = sorted(done, key=rate)
    first, rest = best[0], list(filter(keep, best))
    pick = crop if len(rest) > 1 else stretch
    pick(first)
    with ExitStack() as stack:
        stack.callback(sweep, folder)
        Frame(first).draw()
    atexit.register(say_goodbye)


@render.step(after="main")
@timed
def load(path):
    return path


@render.step(after="load")
def meter(name, seconds): ...


@contextmanager
def workspace():
    make_folder()
    yield "/tmp/render"
    drop_folder()


@render.step(after="load")
def make_folder(): ...


@render.step(after="encode")
def drop_folder():
    """Declared after the encoding; the folder is gone before."""


@render.step(after="make_folder")
@again(times=3)
def trace(scene, tile):
    return tile


@render.step(after="trace")
def give_up(): ...


@render.step(after="trace")
def denoise(folder, tile):
    return tile


@render.step(after=["denoise", "drop_folder"])
def compose(tiles): ...


@render.step(after="compose")
@tenacity.retry(stop=tenacity.stop_after_attempt(3))
def encode(tiles): ...


@render.step(after="encode")
def upload(tiles): ...


@render.step(after="upload")
def ring(): ...


def with_progress(work):
    print("...")
    show_bar()
    work()
    hide_bar()


@render.step(after="ring")
def show_bar(): ...


@render.step(after="show_bar")
def thumbnail(tiles): ...


@render.step(after="thumbnail")
def hide_bar(): ...


@render.step(after="hide_bar")
def rate(tile):
    return tile


@render.step(after="rate")
def keep(tile):
    return True


@render.step(after="keep")
def crop(tile): ...


@render.step(after="crop")
def stretch(tile):
    """Either this or cropping."""


class Frame:
    def __init__(self, tile):
        self.tile = tile
        self.measure()

    @render.step(after=["crop", "stretch"])
    def measure(self): ...

    @render.step(after="measure")
    def draw(self):
        def inner():
            self.polish()

        inner()

    @render.step(after="draw")
    def polish(self): ...


@render.step(after="polish")
def sweep(folder): ...


@render.step(after="sweep")
def say_goodbye(): ...


@render.step(after="upload")
def invoice(tiles):
    """Nobody calls it."""


if __name__ == "__main__":
    main(["scene.obj"])
