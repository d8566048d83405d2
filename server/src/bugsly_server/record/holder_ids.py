"""Gives the holders that reports count and describe their ids; stores what is new of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bugsly.protocol.evidence import Holder
from bugsly_server.clock import Micros
from bugsly_server.decode.batch import ReceivedReport
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import holders
from bugsly_server.store.meta.database import Database

IdsByWorker = Mapping[int, Mapping[str, int]]
"""Ids of holders by their name, by the id of their worker."""
MAX_REMEMBERED_WORKERS = 5_000


class HolderIds:
    """Remembers the ids and the descriptions of the holders it has met."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[int, dict[str, int]] = {}
        self._described: dict[int, dict[str, Holder]] = {}

    def register(
        self, reports: Sequence[ReceivedReport], known: Mapping[str, Worker], skipped: Counter[str]
    ) -> IdsByWorker:
        """Return the ids of the holders in *reports*; store those and descriptions that are new."""
        counted: dict[int, dict[str, None]] = {}
        described: dict[int, dict[str, Holder]] = {}
        for received in reports:
            report = received.report
            worker_id = known[report.worker.id].id
            for sample in report.samples:
                for level in sample.levels:
                    counted.setdefault(worker_id, {})[level.holder] = None
            for holder in report.evidence.holders if report.evidence else ():
                counted.setdefault(worker_id, {})[holder.name] = None
                described.setdefault(worker_id, {})[holder.name] = holder
        if counted:
            self._load_ids(counted)
            self._store(counted, described, reports[-1].received_at, skipped)
        return self._ids

    def _load_ids(self, counted: Mapping[int, object]) -> None:
        """Read the stored ids of workers that are not remembered."""
        if len(self._ids) > MAX_REMEMBERED_WORKERS:
            self._ids.clear()
            self._described.clear()
        unknown = counted.keys() - self._ids.keys()
        if unknown:
            with self._database.reading() as connection:
                self._ids |= holders.ids_by_worker(connection, unknown)

    def _store(
        self,
        counted: Mapping[int, Mapping[str, None]],
        described: Mapping[int, Mapping[str, Holder]],
        now: Micros,
        skipped: Counter[str],
    ) -> None:
        new = {key: self._new_names(key, names, skipped) for key, names in counted.items()}
        changed = {key: self._changed_holders(key, new[key], few) for key, few in described.items()}
        if not any(new.values()) and not any(changed.values()):
            return
        with self._database.writing() as connection:
            for worker_id, names in new.items():
                if names:
                    holders.ensure_exist(connection, worker_id, names, now)
            for worker_id, holders_of_worker in changed.items():
                if holders_of_worker:
                    holders.save_descriptions(connection, worker_id, holders_of_worker, now)
        with self._database.reading() as connection:
            self._ids |= holders.ids_by_worker(
                connection, [key for key, names in new.items() if names]
            )
        for worker_id, holders_of_worker in changed.items():
            self._described.setdefault(worker_id, {}).update(
                {one.name: one for one in holders_of_worker}
            )

    def _new_names(
        self, worker_id: int, names: Mapping[str, None], skipped: Counter[str]
    ) -> list[str]:
        ids = self._ids[worker_id]
        new = [name for name in names if name not in ids]
        places_left = max(0, holders.MAX_HOLDERS - len(ids))
        if len(new) > places_left:
            skipped["holder beyond the 200 of a worker"] += len(new) - places_left
        return new[:places_left]

    def _changed_holders(
        self, worker_id: int, new: Sequence[str], described: Mapping[str, Holder]
    ) -> list[Holder]:
        before = self._described.get(worker_id, {})
        ids = self._ids[worker_id]
        return [
            one
            for name, one in described.items()
            if (name in ids or name in new) and before.get(name) != one
        ]
