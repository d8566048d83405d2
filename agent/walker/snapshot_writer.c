/* Writes the snapshots of a walk to the worker: of this walk and of earlier ones. */
#include "snapshot_format.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Objects or entries, and bytes, from which on a group is written; as in walk_result.py. */
enum { MIN_GROUP_OBJECTS = 8, MIN_GROUP_BYTES = 2048 };

static void write_all(int descriptor, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length) {
        ssize_t sent = write(descriptor, at, length);
        if (sent < 0 && errno != EINTR)
            exit_child(BROKEN_PIPE);
        if (sent > 0) {
            at += sent;
            length -= (size_t)sent;
        }
    }
}

static int is_worth_writing(Group *group)
{
    return group->count >= MIN_GROUP_OBJECTS || group->entries >= MIN_GROUP_OBJECTS ||
           group->shallow >= MIN_GROUP_BYTES;
}

/* Numbers from 1 the groups worth writing, and all above them; parents come before their children.
   */
static uint32_t select_groups(Heap *heap, uint32_t *chosen)
{
    uint32_t count = 0;
    for (size_t group = heap->group_count; group-- > 0;)
        if (!group || chosen[group] || is_worth_writing(&heap->groups[group])) {
            chosen[group] = 1;
            chosen[heap->groups[group].parent] = 1;
        }
    for (size_t group = 0; group < heap->group_count; group++)
        if (chosen[group])
            chosen[group] = ++count;
    return count;
}

static uint32_t number_of(uint32_t *texts, uint32_t *count, uint32_t text)
{
    if (!text)
        return 0;
    if (!texts[text])
        texts[text] = ++*count;
    return texts[text];
}

/* Returns the texts in the order of their numbers, as they are written, and in *used* their bytes.
   */
static char *ordered_utf8(Heap *heap, const uint32_t *texts, uint32_t count, size_t *used)
{
    uint32_t *ordered = allocate((count + 1) * sizeof(uint32_t));
    for (uint32_t text = 1; text < heap->text_offsets.length; text++)
        ordered[texts[text]] = text;
    char *buffer = allocate((size_t)count * 256 + 1);
    *used = 0;
    for (uint32_t index = 1; index <= count; index++) {
        size_t length;
        const char *utf8 = utf8_of(heap, ordered[index], &length);
        uint16_t prefix = (uint16_t)length;
        memcpy(buffer + *used, &prefix, sizeof(prefix));
        memcpy(buffer + *used + sizeof(prefix), utf8, length);
        *used += sizeof(prefix) + length;
    }
    return buffer;
}

static Snapshot snapshot_of(Heap *heap, double walked, double seconds)
{
    uint32_t *chosen = allocate((heap->group_count + 1) * sizeof(uint32_t));
    Snapshot snapshot = {.header = {.version = SNAPSHOT_VERSION, .objects = heap->objects - 1,
                                    .edges = heap->edges, .bytes = heap->bytes, .walked = walked,
                                    .seconds = seconds, .nodes = (uint32_t)heap->group.length}};
    memcpy(snapshot.header.magic, SNAPSHOT_MAGIC, sizeof(snapshot.header.magic));
    snapshot.header.groups = select_groups(heap, chosen);
    snapshot.rows = allocate((snapshot.header.groups + 1) * sizeof(GroupRow));
    snapshot.groups = allocate((snapshot.header.groups + 1) * sizeof(uint32_t));
    uint32_t count = 0;
    for (uint32_t index = 0; index < heap->group_count; index++) {
        if (!chosen[index])
            continue;
        Group *group = &heap->groups[index];
        GroupRow *row = &snapshot.rows[count];
        snapshot.groups[count++] = index;
        *row = (GroupRow){.parent = chosen[group->parent] - 1, .text = group->text,
                          .type = group->type, .name = group->name, .count = group->count,
                          .edge = group->edge, .entries = group->entries,
                          .shallow = group->shallow, .retained = group->retained * UNIT};
        memcpy(row->leaves, group->leaves, sizeof(row->leaves));
    }
    return snapshot;
}

/* Writes the rows of *snapshot* whose groups are marked; all of them where *marks* is NULL. The
   group above a marked one is marked, too. */
static void write_snapshot(Heap *heap, int descriptor, Snapshot *snapshot, const uint8_t *marks)
{
    uint32_t *texts = allocate((heap->text_offsets.length + 1) * sizeof(uint32_t));
    uint32_t *new_rows = allocate((snapshot->header.groups + 1) * sizeof(uint32_t));
    SnapshotHeader header = snapshot->header;
    header.texts = header.groups = 0;
    for (uint32_t index = 0; index < snapshot->header.groups; index++) {
        if (marks && !marks[snapshot->groups[index]])
            continue;
        GroupRow row = snapshot->rows[index];
        row.parent = new_rows[row.parent];
        row.text = number_of(texts, &header.texts, row.text);
        row.type = number_of(texts, &header.texts, row.type);
        row.name = number_of(texts, &header.texts, row.name);
        new_rows[index] = header.groups;
        snapshot->rows[header.groups++] = row;
    }
    size_t utf8;
    const char *ordered = ordered_utf8(heap, texts, header.texts, &utf8);
    header.utf8 = (uint32_t)utf8;
    write_all(descriptor, &header, sizeof(header));
    write_all(descriptor, ordered, utf8);
    write_all(descriptor, snapshot->rows, header.groups * sizeof(GroupRow));
}

/* Writes a snapshot of this walk. If there are *earlier* ones it writes them first, and of all only
   what grew from each to the next. */
void write_snapshots(Heap *heap, int descriptor, PyObject *earlier, double walked, double seconds)
{
    Snapshot snapshots[MAX_EARLIER_SNAPSHOTS + 1];
    size_t count = (size_t)PyTuple_GET_SIZE(earlier);
    snapshots[count] = snapshot_of(heap, walked, seconds);
    for (size_t index = 0; index < count; index++)
        snapshots[index] =
            read_snapshot(heap, PyBytes_AS_STRING(PyTuple_GET_ITEM(earlier, index)));
    uint8_t *marks = count ? find_growing(heap, snapshots, count + 1) : NULL;
    for (size_t index = 0; index <= count; index++)
        write_snapshot(heap, descriptor, &snapshots[index], marks);
}
