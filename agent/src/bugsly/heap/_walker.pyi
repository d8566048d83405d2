def start(
    descriptor: int,
    roots: list[tuple[str, object]],
    include_unreachable: bool,
    earlier_results: tuple[bytes, ...],
) -> tuple[int, float]: ...
def reap(pid: int) -> int | None: ...
