/* Reads snapshots that earlier children wrote. */
#include "snapshot_format.h"

#include <string.h>

static uint32_t *read_texts(Heap *heap, const char *at, uint32_t count)
{
    uint32_t *texts = allocate(((size_t)count + 1) * sizeof(uint32_t));
    for (uint32_t index = 1; index <= count; index++) {
        uint16_t length;
        memcpy(&length, at, sizeof(length));
        texts[index] = intern(heap, at + sizeof(length), length);
        at += sizeof(length) + length;
    }
    return texts;
}

/* Returns a snapshot with the texts and groups of this heap, to which it adds new ones.
   */
Snapshot read_snapshot(Heap *heap, const char *bytes)
{
    Snapshot snapshot;
    memcpy(&snapshot.header, bytes, sizeof(SnapshotHeader));
    const char *utf8 = bytes + sizeof(SnapshotHeader);
    size_t count = snapshot.header.groups;
    snapshot.rows = allocate((count + 1) * sizeof(GroupRow));
    snapshot.groups = allocate((count + 1) * sizeof(uint32_t));
    memcpy(snapshot.rows, utf8 + snapshot.header.utf8, count * sizeof(GroupRow));
    uint32_t *texts = read_texts(heap, utf8, snapshot.header.texts);
    for (size_t index = 1; index < count; index++) {
        GroupRow *row = &snapshot.rows[index];
        row->text = texts[row->text];
        row->type = texts[row->type];
        row->name = texts[row->name];
        snapshot.groups[index] = group_like(heap, snapshot.groups[row->parent],
                                            (enum How)row->how, row->text, row->type, row->name);
    }
    return snapshot;
}
