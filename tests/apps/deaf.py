"""The application of swelling.py; its worker does not stop, and its net has little patience."""

from gunicorn.workers.sync import SyncWorker
from swelling import app  # type: ignore[import-not-found]

from bugsly.recycle import policy

__all__ = ["app"]
policy.REPLACEMENT_SECONDS = 2.0


class DeafWorker(SyncWorker):  # type: ignore[misc]
    """Goes on, whatever it is told."""

    @property
    def alive(self) -> bool:
        return True

    @alive.setter
    def alive(self, value: bool) -> None:
        pass
