/* What is told of a walk: the groups that may matter, in the form that walk_result.py reads. */
#include "told.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 2, FEW = 8, LITTLE = 2048 };

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

/* Returns the texts as they are sent, and in *used* their bytes. */
static char *ordered_letters(Heap *heap, const uint32_t *texts, uint32_t count, size_t *used)
{
    uint32_t *ordered = take((count + 1) * sizeof(uint32_t));
    for (uint32_t text = 1; text < heap->text_at.length; text++)
        ordered[texts[text]] = text;
    char *buffer = take((size_t)count * 256 + 1);
    *used = 0;
    for (uint32_t index = 1; index <= count; index++) {
        size_t length;
        const char *letters = letters_of(heap, ordered[index], &length);
        uint16_t told = (uint16_t)length;
        memcpy(buffer + *used, &told, sizeof(told));
        memcpy(buffer + *used + sizeof(told), letters, length);
        *used += sizeof(told) + length;
    }
    return buffer;
}

static Look own_look(Heap *heap, double walked, double seconds)
{
    uint32_t *chosen = take((heap->group_count + 1) * sizeof(uint32_t));
    Look look = {.header = {{'h', 'e', 'a', 'p'}, VERSION, heap->objects - 1, heap->edges,
                            heap->bytes, walked, seconds, (uint32_t)heap->group.length, 0, 0, 0}};
    look.header.groups = choose(heap, chosen);
    look.rows = take((look.header.groups + 1) * sizeof(Row));
    look.groups = take((look.header.groups + 1) * sizeof(uint32_t));
    uint32_t count = 0;
    for (uint32_t index = 0; index < heap->group_count; index++) {
        if (!chosen[index])
            continue;
        Group *group = &heap->groups[index];
        Row *row = &look.rows[count];
        look.groups[count++] = index;
        *row = (Row){.parent = chosen[group->parent] - 1, .text = group->text,
                     .type = group->type, .name = group->name, .count = group->count,
                     .how = group->how, .entries = group->entries, .shallow = group->shallow,
                     .retained = group->retained * UNIT};
        memcpy(row->leaves, group->leaves, sizeof(row->leaves));
    }
    return look;
}

/* Sends the rows of *look* whose groups are marked, which those above them are, too. */
static void send_look(Heap *heap, int descriptor, Look *look, const uint8_t *marks)
{
    uint32_t *texts = take((heap->text_at.length + 1) * sizeof(uint32_t));
    uint32_t *places = take((look->header.groups + 1) * sizeof(uint32_t));
    Header header = look->header;
    header.texts = header.groups = 0;
    for (uint32_t index = 0; index < look->header.groups; index++) {
        if (marks && !marks[look->groups[index]])
            continue;
        Row row = look->rows[index];
        row.parent = places[row.parent];
        row.text = number(texts, &header.texts, row.text);
        row.type = number(texts, &header.texts, row.type);
        row.name = number(texts, &header.texts, row.name);
        places[index] = header.groups;
        look->rows[header.groups++] = row;
    }
    size_t letters;
    const char *ordered = ordered_letters(heap, texts, header.texts, &letters);
    header.letters = (uint32_t)letters;
    send(descriptor, &header, sizeof(header));
    send(descriptor, ordered, letters);
    send(descriptor, look->rows, header.groups * sizeof(Row));
}

/* Tells of this walk; and where there are *earlier* looks, of them too, and of all only what has
   grown from each to the next. */
void report(Heap *heap, int descriptor, PyObject *earlier, double walked, double seconds)
{
    Look looks[MOST_LOOKS + 1];
    size_t count = (size_t)PyTuple_GET_SIZE(earlier);
    looks[count] = own_look(heap, walked, seconds);
    for (size_t index = 0; index < count; index++)
        looks[index] = read_look(heap, PyBytes_AS_STRING(PyTuple_GET_ITEM(earlier, index)));
    uint8_t *marks = count ? what_grows(heap, looks, count + 1) : NULL;
    for (size_t index = 0; index <= count; index++)
        send_look(heap, descriptor, &looks[index], marks);
}
