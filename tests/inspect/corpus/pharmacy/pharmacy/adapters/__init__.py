from . import _robot as robot
from ._memory import *
from ._text import TextNotifier, post_letter

try:
    from ._fast import quick_label as label_text
except ImportError:
    from ._slow import slow_label as label_text
