"""Source of the watched app: read for who fills a holder, or left alone."""

from __future__ import annotations

from hypothesis import strategies as st

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex
from bugsly_server.diagnose.source_analysis.source_locations import locate_constructor
from bugsly_server.diagnose.source_analysis.suspect_calls import find_suspect_call
from bugsly_server.model.diagnosis import Cause
from tools.fuzz.almost_valid import TEXTS, damaged, texts_as_bytes

LINES = st.sampled_from(
    [
        "import shop.models as m", "from . import *", "log = []", "def view():",
        "    log.append(1)", "    if len(log) > 10: log.pop()", "class A:", "    seen = {}",
        "@lru_cache(maxsize=None)", "x = " + "(" * 300, "f'{log[0]!r:>{9**9}}'",
        "log = deque(maxlen=9**9**9)", "\t\x0c", "async def f(:", "log: dict = dict()",
        "    log[key] = value", "del log[:]", "lambda: (yield)", "global log",
    ]
)  # fmt: skip
INPUTS = damaged(texts_as_bytes(st.lists(LINES | TEXTS, max_size=15).map("\n".join)))
HOLDER = Holder(name="shop.views.log", kind="list", file="/app/shop/views.py")


def check(data: bytes) -> None:
    """Ask a source everything that diagnosis asks."""
    text = data.decode("utf-8", "replace")
    source = ModuleSource(
        file=HOLDER.file, module="shop.views", text=text, views={"GET /": text.count("\n")}
    )
    index = SourceIndex({HOLDER.file: source}, {HOLDER.name: HOLDER})
    _ = index.capacity_limits
    for cause in Cause:
        find_suspect_call(cause, "GET /", [source])
    locate_constructor(["A"], "GET /", index)
