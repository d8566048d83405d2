/* What is told of a walk: the groups that may matter, in the form that groups.py reads. */
#include "heap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 1, FEW = 8, LITTLE = 2048 };

typedef struct {
    char magic[4];
    uint32_t version;
    uint64_t objects, edges, bytes;
    double walked, seconds;
    uint32_t nodes, texts, groups, reserved;
} Header;

typedef struct {
    uint32_t parent, text, type, name, count, how;
    uint32_t leaves[LEAVES];
    uint64_t entries, shallow, retained;
} Row;

static void send(int descriptor, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length) {
        ssize_t sent = write(descriptor, at, length);
        if (sent < 0 && errno != EINTR)
            give_up(BROKEN_PIPE);
        if (sent > 0) {
            at += sent;
            length -= (size_t)sent;
        }
    }
}

static int matters(Group *group)
{
    return group->count >= FEW || group->entries >= FEW || group->shallow >= LITTLE;
}

/* Numbers the groups that matter, and those above them. Parents come before their children. */
static uint32_t choose(Heap *heap, uint32_t *chosen)
{
    uint32_t count = 0;
    for (size_t group = heap->group_count; group-- > 0;)
        if (!group || chosen[group] || matters(&heap->groups[group])) {
            chosen[group] = 1;
            chosen[heap->groups[group].parent] = 1;
        }
    for (size_t group = 0; group < heap->group_count; group++)
        if (chosen[group])
            chosen[group] = ++count;
    return count;
}

static uint32_t number(uint32_t *texts, uint32_t *count, uint32_t text)
{
    if (!text)
        return 0;
    if (!texts[text])
        texts[text] = ++*count;
    return texts[text];
}

static void send_texts(Heap *heap, int descriptor, const uint32_t *texts, uint32_t count)
{
    uint32_t *ordered = take((count + 1) * sizeof(uint32_t));
    for (uint32_t text = 1; text < heap->text_at.length; text++)
        ordered[texts[text]] = text;
    char *buffer = take((size_t)count * 256 + 1);
    size_t used = 0;
    for (uint32_t index = 1; index <= count; index++) {
        size_t length;
        const char *letters = letters_of(heap, ordered[index], &length);
        uint16_t told = (uint16_t)length;
        memcpy(buffer + used, &told, sizeof(told));
        memcpy(buffer + used + sizeof(told), letters, length);
        used += sizeof(told) + length;
    }
    send(descriptor, buffer, used);
}

void report(Heap *heap, int descriptor, double walked, double seconds)
{
    uint32_t *chosen = take((heap->group_count + 1) * sizeof(uint32_t));
    uint32_t *texts = take((heap->text_at.length + 1) * sizeof(uint32_t));
    Header header = {{'h', 'e', 'a', 'p'}, VERSION, heap->objects - 1, heap->edges, heap->bytes,
                     walked, seconds, (uint32_t)heap->group.length, 0, 0, 0};
    header.groups = choose(heap, chosen);
    Row *rows = take((header.groups + 1) * sizeof(Row));
    uint32_t count = 0;
    for (size_t index = 0; index < heap->group_count; index++) {
        if (!chosen[index])
            continue;
        Group *group = &heap->groups[index];
        Row *row = &rows[count++];
        row->parent = chosen[group->parent] - 1;
        row->text = number(texts, &header.texts, group->text);
        row->type = number(texts, &header.texts, group->type);
        row->name = number(texts, &header.texts, group->name);
        row->count = group->count;
        row->how = group->how;
        memcpy(row->leaves, group->leaves, sizeof(row->leaves));
        row->entries = group->entries;
        row->shallow = group->shallow;
        row->retained = group->retained * UNIT;
    }
    send(descriptor, &header, sizeof(header));
    send_texts(heap, descriptor, texts, header.texts);
    send(descriptor, rows, count * sizeof(Row));
}
