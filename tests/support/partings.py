"""What a worker held when it was about to be recycled."""

from tests.support.values import MB

from bugsly.protocol.evidence import Answer, Heap, Hop, Retainer


def held() -> Answer:
    """Return the heap of a worker whose request log keeps most."""
    return Answer(
        ask=0,
        heap=Heap(
            walker="c",
            requests=(12_000,),
            objects=1_284_112,
            bytes=301 * MB,
            pause=0.0042,
            seconds=0.31,
            retainers=(
                _retainer("shop.views", ".request_log", "list", 12_000, 214 * MB, "dict"),
                _retainer("shop.cache", ".SEEN", "dict", 3_400, 31 * MB, "shop.models.Quote"),
                _retainer("sqlalchemy", "._registry[*].<closure>.cache", "dict", 90, 4 * MB, "str"),
            ),
        ),
    )


def _retainer(module: str, name: str, kind: str, count: int, retained: int, entry: str) -> Retainer:
    return Retainer(
        path=module + name,
        hops=(Hop(name=module, type="module"), Hop(name=name, type=kind)),
        counts=(count,),
        retained=(retained,),
        types={entry: count},
    )
