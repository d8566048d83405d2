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
} Key;

static Key *key_of(Heap *heap, const Key *wanted)
{
    Key *table = (Key *)heap->group_table;
    size_t slot = hash_group(wanted->parent, wanted->how, wanted->text, wanted->type,
                             wanted->name) & (heap->group_slots - 1);
    for (; table[slot].used; slot = (slot + 1) & (heap->group_slots - 1)) {
        Key *key = &table[slot];
        if (key->parent == wanted->parent && key->text == wanted->text &&
            key->type == wanted->type && key->name == wanted->name && key->how == wanted->how)
            return key;
    }
    return &table[slot];
}

static void widen_table(Heap *heap)
{
    Key *old = (Key *)heap->group_table;
    size_t slots = heap->group_slots;
    heap->group_slots = slots ? slots * 2 : 1 << 14;
    heap->group_table = take(heap->group_slots * sizeof(Key));
    for (size_t slot = 0; slot < slots; slot++)
        if (old[slot].used)
            *key_of(heap, &old[slot]) = old[slot];
    give_back(old, slots * sizeof(Key));
}

/* Whether a step leads to what is a part of its owner. */
int is_part(enum How how)
{
    return how == NAMES || how == BODY || how == THREADS;
}

/* Returns the group above that the same step leads to, as in a chain; else 0. */
static uint32_t repeated(Heap *heap, const Key *key)
{
    uint32_t above = key->parent;
    for (int steps = 0; above && steps < REPEATS; steps++, above = heap->groups[above].parent) {
        Group *group = &heap->groups[above];
        if (group->how == key->how && group->text == key->text && group->type == key->type &&
            group->name == key->name)
            return above;
    }
    return 0;
}

static uint32_t add_group(Heap *heap, const Key *key)
{
    if (heap->group_count == heap->groups_room) {
        size_t room = heap->groups_room ? heap->groups_room * 2 : 1 << 12;
        heap->groups =
            widen(heap->groups, heap->groups_room * sizeof(Group), room * sizeof(Group));
        heap->groups_room = room;
    }
    Group *group = &heap->groups[heap->group_count];
    group->parent = key->parent;
    group->text = key->text;
    group->type = key->type;
    group->name = key->name;
    group->how = key->how;
    group->depth = key->parent ? heap->groups[key->parent].depth + 1 : 0;
    return (uint32_t)heap->group_count++;
}

static int has_name(enum How how)
{
    return how == ATTRIBUTE || how == KEY || how == LOCAL || how == CLOSURE || how == DEFAULT;
}

/* Returns the group that stands for a new one; it is the new one wherever there is room. */
static uint32_t settle(Heap *heap, const Key *key)
{
    if (key->parent && key->how != ROOT) {
        uint32_t above = is_part(key->how) ? 0 : repeated(heap, key);
        if (above)
            return above;
        if (heap->groups[key->parent].depth >= DEEPEST || heap->group_count >= MOST_GROUPS)
            return key->parent;
        heap->groups[key->parent].children++;
    }
    return add_group(heap, key);
}

uint32_t group_under(Heap *heap, uint32_t parent, enum How how, uint32_t text, Kind *kind,
                     PyObject *object)
{
    if (heap->group_count * 2 >= heap->group_slots)
        widen_table(heap);
    if (!heap->group_count)
        add_group(heap, &(Key){0});
    Key wanted = {.parent = parent, .text = text, .how = (uint8_t)how, .used = 1};
    wanted.type = kind ? kind->name : 0;
    if (kind && kind->shape == FUNCTION) {
        PyFunctionObject *function = (PyFunctionObject *)object;
        wanted.name = dotted(heap, function->func_module, function->func_qualname);
    }
    if (parent && has_name(how) && heap->groups[parent].children >= MOST_CHILDREN) {
        wanted.how = ENTRY;
        wanted.text = 0;
    }
    Key *key = key_of(heap, &wanted);
    if (!key->used) {
        *key = wanted;
        key->group = settle(heap, &wanted);
    }
    return key->group;
}

/* Returns the group that an earlier walk found so, a new one where this walk found none. */
uint32_t group_like(Heap *heap, uint32_t parent, enum How how, uint32_t text, uint32_t type,
                    uint32_t name)
{
    if (heap->group_count * 2 >= heap->group_slots)
        widen_table(heap);
    Key wanted = {.parent = parent, .text = text, .type = type, .name = name,
                  .how = (uint8_t)how, .used = 1};
    Key *key = key_of(heap, &wanted);
    if (!key->used) {
        *key = wanted;
        key->group = add_group(heap, &wanted);
    }
    return key->group;
}
