/* Reads snapshots that earlier children wrote: the worker checks them, its next child reads them.

   The bytes went through a pipe and through Python. A child reads only what `check_snapshot` found
   to be whole, so that no length or number in it leads past its end. */
#include "snapshot_format.h"

#include <string.h>

static const char *check_header(const SnapshotHeader *header, size_t length)
{
    if (memcmp(header->magic, SNAPSHOT_MAGIC, sizeof(header->magic)))
        return "it does not begin like a snapshot";
    if (header->version != SNAPSHOT_VERSION)
        return "it is of another version";
    uint64_t rows = (uint64_t)header->groups * sizeof(GroupRow);
    uint64_t expected = sizeof(SnapshotHeader) + header->utf8 + rows;
    if (length < expected)
        return "it is cut off";
    if (length > expected)
        return "it has bytes after its end";
    return header->groups ? NULL : "it has no first row";
}

static const char *check_texts(const SnapshotHeader *header, const char *texts)
{
    size_t left = header->utf8;
    for (uint32_t text = 1; text <= header->texts; text++) {
        uint16_t length;
        if (left < sizeof(length))
            return "its texts are cut off";
        memcpy(&length, texts, sizeof(length));
        left -= sizeof(length);
        texts += sizeof(length);
        if (left < length)
            return "its texts are cut off";
        left -= length;
        texts += length;
    }
    return left ? "its texts end too early" : NULL;
}

static const char *check_row(const SnapshotHeader *header, const GroupRow *row, uint32_t index)
{
    uint32_t last_text = index ? header->texts : 0;
    if (row->text > last_text || row->type > last_text || row->name > last_text)
        return "a row names a text that is not there";
    if (index ? row->parent >= index : row->parent)
        return "a row is not below an earlier one";
    return row->edge > KEYS ? "a row has an unknown kind of edge" : NULL;
}

/* Returns NULL for a snapshot that is safe to read, else what is wrong with it. */
const char *check_snapshot(const char *bytes, size_t length)
{
    SnapshotHeader header;
    if (length < sizeof(header))
        return "it is shorter than a header";
    memcpy(&header, bytes, sizeof(header));
    const char *wrong = check_header(&header, length);
    if (wrong)
        return wrong;
    wrong = check_texts(&header, bytes + sizeof(header));
    const char *at = bytes + sizeof(header) + header.utf8;
    for (uint32_t index = 0; !wrong && index < header.groups; index++, at += sizeof(GroupRow)) {
        GroupRow row;
        memcpy(&row, at, sizeof(row));
        wrong = check_row(&header, &row, index);
    }
    return wrong;
}

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

/* Returns a *checked* snapshot with the texts and groups of this heap, to which it adds new ones.
   */
Snapshot read_snapshot(Heap *heap, const char *checked)
{
    Snapshot snapshot;
    memcpy(&snapshot.header, checked, sizeof(SnapshotHeader));
    const char *utf8 = checked + sizeof(SnapshotHeader);
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
        uint32_t parent = snapshot.groups[row->parent];
        snapshot.groups[index] =
            group_like(heap, parent, (enum EdgeKind)row->edge, row->text, row->type, row->name);
    }
    return snapshot;
}
