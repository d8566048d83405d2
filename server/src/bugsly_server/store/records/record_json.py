"""Writes records as JSON and reads them back, in the one version that this server knows."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from bugsly_server.errors import UnreadableRecord

Record = TypeVar("Record")


class RecordVersion(msgspec.Struct, frozen=True):
    """The part of a record that every version has; version 1 may leave it out."""

    version: int = 1


_VERSION_DECODER = msgspec.json.Decoder(RecordVersion)


def encode_record(record: msgspec.Struct) -> str:
    """Return *record* as JSON."""
    return msgspec.json.encode(record).decode()


def decode_record(
    text: str, decoder: msgspec.json.Decoder[Record], *, name: str, version: int
) -> Record:
    """Return the record in *text*, which *decoder* reads if it has *version*.

    Raises `UnreadableRecord` for any other version, and for what is no record.
    """
    try:
        found = _VERSION_DECODER.decode(text).version
        if found == version:
            return decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise UnreadableRecord(
            f"stored {name}: it is damaged, {error} → restore the data folder from a backup"
        ) from None
    raise UnreadableRecord(
        f"stored {name}: it has version {found}, and this Bugsly reads version {version}"
        " → run the Bugsly that wrote it"
    )
