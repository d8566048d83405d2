/* Looks taken earlier, and what has grown from each to the next. The rest of a heap is the same in
   all of them, and the worker need not hear of it again. */
#include "leftovers.h"
#include "told.h"

#include <string.h>

typedef struct {
    uint64_t entries, inner, shallow;
} Sum;

static uint32_t *read_texts(Heap *heap, const char *at, uint32_t count)
{
    uint32_t *texts = take((count + 1) * sizeof(uint32_t));
    for (uint32_t index = 1; index <= count; index++) {
        uint16_t length;
        memcpy(&length, at, sizeof(length));
        texts[index] = text_of(heap, at + sizeof(length), length);
        at += sizeof(length) + length;
    }
    return texts;
}

/* Returns what an earlier child told, with the texts and groups of this one's heap. */
Look read_look(Heap *heap, const char *told)
{
    Look look;
    memcpy(&look.header, told, sizeof(Header));
    const char *letters = told + sizeof(Header);
    uint32_t count = look.header.groups;
    look.rows = take((count + 1) * sizeof(Row));
    look.groups = take((count + 1) * sizeof(uint32_t));
    memcpy(look.rows, letters + look.header.letters, count * sizeof(Row));
    uint32_t *texts = read_texts(heap, letters, look.header.texts);
    for (uint32_t index = 1; index < count; index++) {
        Row *row = &look.rows[index];
        row->text = texts[row->text];
        row->type = texts[row->type];
        row->name = texts[row->name];
        look.groups[index] = group_like(heap, look.groups[row->parent], (enum How)row->how,
                                        row->text, row->type, row->name);
    }
    return look;
}

/* Of each group the one that a person sees: a part is one with its owner. */
static uint32_t *owners(Heap *heap)
{
    uint32_t *owner = take(heap->group_count * sizeof(uint32_t));
    for (uint32_t group = 1; group < heap->group_count; group++) {
        uint32_t parent = heap->groups[group].parent;
        owner[group] = parent && is_part(heap->groups[group].how) ? owner[parent] : group;
    }
    return owner;
}

static void add(Sum *sums, size_t looks, const Look *look, const uint32_t *owner)
{
    for (uint32_t index = 1; index < look->header.groups; index++) {
        const Row *row = &look->rows[index];
        uint32_t group = look->groups[index], above = look->groups[row->parent];
        Sum *sum = &sums[owner[group] * looks];
        sum->entries += row->entries;
        sum->shallow += row->shallow;
        if (owner[group] == group)
            sums[owner[above] * looks].inner += row->count;
    }
}

static uint64_t holds(const Sum *sum)
{
    return sum->entries ? sum->entries : sum->inner;
}

static int grows(const Sum *sums, size_t looks)
{
    int in_number = 1, in_bytes = 1;
    for (size_t look = 1; look < looks; look++) {
        in_number &= holds(&sums[look]) > holds(&sums[look - 1]);
        in_bytes &= sums[look].shallow > sums[look - 1].shallow;
    }
    return in_number || in_bytes;
}

/* Returns a mark for each group: of what grew in every interval, of what no root leads to, of all
   below either, and of all above. */
uint8_t *what_grows(Heap *heap, const Look *looks, size_t count)
{
    uint32_t *owner = owners(heap);
    Sum *sums = take(heap->group_count * count * sizeof(Sum));
    for (size_t look = 0; look < count; look++)
        add(&sums[look], count, &looks[look], owner);
    uint32_t held = text_of(heap, HELD, strlen(HELD));
    uint32_t cycles = text_of(heap, CYCLES, strlen(CYCLES));
    uint8_t *marks = take(heap->group_count);
    for (uint32_t index = 1; index < heap->group_count; index++) {
        Group *group = &heap->groups[index];
        if (group->parent ? marks[group->parent] : group->text == held || group->text == cycles)
            marks[index] = 1;
        else
            marks[index] = (uint8_t)grows(&sums[index * count], count);
    }
    for (size_t index = heap->group_count; index-- > 1;)
        if (marks[index])
            marks[heap->groups[index].parent] = 1;
    marks[0] = 1;
    return marks;
}
