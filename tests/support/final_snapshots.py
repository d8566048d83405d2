"""What a worker held when it was about to be recycled."""

from tests.support.protocol_values import MB

from bugsly.protocol.evidence import HeapGrowth, HeapHolder, HolderPathStep, ProbeResult


def final_snapshot() -> ProbeResult:
    """Return the heap of a worker whose request log keeps most."""
    return ProbeResult(
        ask=0,
        heap=HeapGrowth(
            walker="c",
            requests=(12_000,),
            objects=1_284_112,
            bytes=301 * MB,
            pause=0.0042,
            seconds=0.31,
            retainers=(
                _heap_holder("shop.views", ".request_log", "list", 12_000, 214 * MB, "dict"),
                _heap_holder("shop.cache", ".SEEN", "dict", 3_400, 31 * MB, "shop.models.Quote"),
                _heap_holder(
                    "sqlalchemy", "._registry[*].<closure>.cache", "dict", 90, 4 * MB, "str"
                ),
            ),
        ),
    )


def _heap_holder(
    module: str, name: str, kind: str, count: int, retained: int, entry: str
) -> HeapHolder:
    return HeapHolder(
        path=module + name,
        hops=(HolderPathStep(name=module, type="module"), HolderPathStep(name=name, type=kind)),
        counts=(count,),
        retained=(retained,),
        types={entry: count},
    )
