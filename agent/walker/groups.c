/* Groups: nodes to which the same way leads, as a person would say it. */
#include "heap.h"

enum { DEEPEST = 48, MOST_CHILDREN = 1024, MOST_GROUPS = 400000, REPEATS = 6 };

static uint32_t hash_group(uint32_t parent, enum How how, uint32_t text, uint32_t type,
                           uint32_t name)
{
    uint64_t hash = parent * 0x9e3779b97f4a7c15u;
    hash = (hash ^ how ^ (uint64_t)text << 8) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 29 ^ type ^ (uint64_t)name << 32) * 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(hash >> 32);
}

/* The table also leads from groups that are not kept to those that stand for them. */
typedef struct {
    uint32_t parent, text, type, name, group;
    uint8_t how, used;
} Row;

static Row *row_of(Heap *heap, const Row *wanted)
{
    Row *table = (Row *)heap->group_table;
    size_t slot = hash_group(wanted->parent, wanted->how, wanted->text, wanted->type,
                             wanted->name) & (heap->group_slots - 1);
    for (; table[slot].used; slot = (slot + 1) & (heap->group_slots - 1)) {
        Row *row = &table[slot];
        if (row->parent == wanted->parent && row->text == wanted->text &&
            row->type == wanted->type && row->name == wanted->name && row->how == wanted->how)
            return row;
    }
    return &table[slot];
}

static void widen_table(Heap *heap)
{
    Row *old = (Row *)heap->group_table;
    size_t slots = heap->group_slots;
    heap->group_slots = slots ? slots * 2 : 1 << 14;
    heap->group_table = take(heap->group_slots * sizeof(Row));
    for (size_t slot = 0; slot < slots; slot++)
        if (old[slot].used)
            *row_of(heap, &old[slot]) = old[slot];
    give_back(old, slots * sizeof(Row));
}

static int is_part(enum How how)
{
    return how == NAMES || how == BODY || how == THREADS;
}

/* Returns the group above that the same step leads to, as in a chain; else 0. */
static uint32_t repeated(Heap *heap, const Row *row)
{
    uint32_t above = row->parent;
    for (int steps = 0; above && steps < REPEATS; steps++, above = heap->groups[above].parent) {
        Group *group = &heap->groups[above];
        if (group->how == row->how && group->text == row->text && group->type == row->type &&
            group->name == row->name)
            return above;
    }
    return 0;
}

static uint32_t add_group(Heap *heap, const Row *row)
{
    if (heap->group_count == heap->groups_room) {
        size_t room = heap->groups_room ? heap->groups_room * 2 : 1 << 12;
        heap->groups =
            widen(heap->groups, heap->groups_room * sizeof(Group), room * sizeof(Group));
        heap->groups_room = room;
    }
    Group *group = &heap->groups[heap->group_count];
    group->parent = row->parent;
    group->text = row->text;
    group->type = row->type;
    group->name = row->name;
    group->how = row->how;
    group->depth = row->parent ? heap->groups[row->parent].depth + 1 : 0;
    return (uint32_t)heap->group_count++;
}

static int has_name(enum How how)
{
    return how == ATTRIBUTE || how == KEY || how == LOCAL || how == CLOSURE || how == DEFAULT;
}

/* Returns the group that stands for a new one; it is the new one wherever there is room. */
static uint32_t settle(Heap *heap, const Row *row)
{
    if (row->parent && row->how != ROOT) {
        uint32_t above = is_part(row->how) ? 0 : repeated(heap, row);
        if (above)
            return above;
        if (heap->groups[row->parent].depth >= DEEPEST || heap->group_count >= MOST_GROUPS)
            return row->parent;
        heap->groups[row->parent].children++;
    }
    return add_group(heap, row);
}

uint32_t group_under(Heap *heap, uint32_t parent, enum How how, uint32_t text, Kind *kind,
                     PyObject *object)
{
    if (heap->group_count * 2 >= heap->group_slots)
        widen_table(heap);
    if (!heap->group_count)
        add_group(heap, &(Row){0});
    Row wanted = {.parent = parent, .text = text, .how = (uint8_t)how, .used = 1};
    wanted.type = kind ? kind->name : 0;
    if (kind && kind->shape == FUNCTION) {
        PyFunctionObject *function = (PyFunctionObject *)object;
        wanted.name = dotted(heap, function->func_module, function->func_qualname);
    }
    if (parent && has_name(how) && heap->groups[parent].children >= MOST_CHILDREN) {
        wanted.how = ENTRY;
        wanted.text = 0;
    }
    Row *row = row_of(heap, &wanted);
    if (!row->used) {
        *row = wanted;
        row->group = settle(heap, &wanted);
    }
    return row->group;
}
