"""Takes measurements and writes them out in batches."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


class Batch:
    """Rows that wait to be written together."""

    size = 1_500

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.written = 0

    def add(self, row: str) -> None:
        """Keep a row until there are enough."""
        self.rows.append(row)
        if len(self.rows) >= self.size:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        rows, self.rows = self.rows, []
        self.written += len(rows)


batch = Batch()


@app.get("/measurements/<int:number>")
def measure(number: int) -> dict[str, int]:
    batch.add(f"{number} ".ljust(2_500, "0"))
    return {"number": number}


@app.get("/written")
def written() -> dict[str, int]:
    return {"written": batch.written}
