/* Sorts nodes into groups: those with the same path, as a person would write it, are one group. */
#include "heap.h"

enum { MAX_DEPTH = 48, MAX_NAMED_CHILDREN = 1024, MAX_CHAIN_ANCESTORS = 6, MAX_GROUPS = 400000 };

static uint32_t hash_group(uint32_t parent, enum EdgeKind edge, uint32_t text, uint32_t type,
                           uint32_t name)
{
    uint64_t hash = parent * 0x9e3779b97f4a7c15u;
    hash = (hash ^ edge ^ (uint64_t)text << 8) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 29 ^ type ^ (uint64_t)name << 32) * 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(hash >> 32);
}

/* An entry of the table. For a group that was not made it names the group that stands for it. */
typedef struct {
    uint32_t parent, text, type, name, group;
    uint8_t edge, used;
} GroupKey;

static GroupKey *key_of(Heap *heap, const GroupKey *wanted)
{
    GroupKey *table = (GroupKey *)heap->group_table;
    size_t slot = hash_group(wanted->parent, wanted->edge, wanted->text, wanted->type,
                             wanted->name) & (heap->group_slots - 1);
    for (; table[slot].used; slot = (slot + 1) & (heap->group_slots - 1)) {
        GroupKey *key = &table[slot];
        if (key->parent == wanted->parent && key->text == wanted->text &&
            key->type == wanted->type && key->name == wanted->name && key->edge == wanted->edge)
            return key;
    }
    return &table[slot];
}

static void widen_table(Heap *heap)
{
    GroupKey *old = (GroupKey *)heap->group_table;
    size_t slots = heap->group_slots;
    heap->group_slots = slots ? slots * 2 : 1 << 14;
    heap->group_table = allocate(heap->group_slots * sizeof(GroupKey));
    for (size_t slot = 0; slot < slots; slot++)
        if (old[slot].used)
            *key_of(heap, &old[slot]) = old[slot];
    release(old, slots * sizeof(GroupKey));
}

/* Whether an edge leads to what is a part of its owner. */
int is_part(enum EdgeKind edge)
{
    return edge == NAMES || edge == BODY || edge == THREADS;
}

/* Returns the group above that the same step leads to, as in a linked list; else 0. */
static uint32_t same_step_above(Heap *heap, const GroupKey *key)
{
    uint32_t above = key->parent;
    for (int steps = 0; above && steps < MAX_CHAIN_ANCESTORS; steps++) {
        Group *group = &heap->groups[above];
        if (group->edge == key->edge && group->text == key->text && group->type == key->type &&
            group->name == key->name)
            return above;
        above = group->parent;
    }
    return 0;
}

static uint32_t add_group(Heap *heap, const GroupKey *key)
{
    if (heap->group_count == heap->groups_room) {
        size_t room = heap->groups_room ? heap->groups_room * 2 : 1 << 12;
        heap->groups =
            reallocate(heap->groups, heap->groups_room * sizeof(Group), room * sizeof(Group));
        heap->groups_room = room;
    }
    Group *group = &heap->groups[heap->group_count];
    group->parent = key->parent;
    group->text = key->text;
    group->type = key->type;
    group->name = key->name;
    group->edge = key->edge;
    group->depth = key->parent ? heap->groups[key->parent].depth + 1 : 0;
    return (uint32_t)heap->group_count++;
}

static int has_name(enum EdgeKind edge)
{
    return edge == ATTRIBUTE || edge == KEY || edge == LOCAL || edge == CLOSURE || edge == DEFAULT;
}

/* Returns the group that stands for a new *key*: a new group if there is room, else one above. */
static uint32_t make_group(Heap *heap, const GroupKey *key)
{
    if (key->parent && key->edge != ROOT) {
        uint32_t above = is_part(key->edge) ? 0 : same_step_above(heap, key);
        if (above)
            return above;
        if (heap->groups[key->parent].depth >= MAX_DEPTH || heap->group_count >= MAX_GROUPS)
            return key->parent;
        heap->groups[key->parent].children++;
    }
    return add_group(heap, key);
}

/* Returns the group of an *object* that the node of group *parent* leads to. */
uint32_t group_under(Heap *heap, uint32_t parent, enum EdgeKind edge, uint32_t text, TypeInfo *info,
                     PyObject *object)
{
    if (heap->group_count * 2 >= heap->group_slots)
        widen_table(heap);
    if (!heap->group_count)
        add_group(heap, &(GroupKey){0});
    GroupKey wanted = {.parent = parent, .text = text, .edge = (uint8_t)edge, .used = 1};
    wanted.type = info ? info->name : 0;
    if (info && info->shape == FUNCTION) {
        PyFunctionObject *function = (PyFunctionObject *)object;
        wanted.name = dotted_name(heap, function->func_module, function->func_qualname);
    }
    if (parent && has_name(edge) && heap->groups[parent].children >= MAX_NAMED_CHILDREN) {
        wanted.edge = ENTRY;
        wanted.text = 0;
    }
    GroupKey *key = key_of(heap, &wanted);
    if (!key->used) {
        *key = wanted;
        key->group = make_group(heap, &wanted);
    }
    return key->group;
}

/* Returns the group that equals one of an earlier walk; a new group if this walk found none. */
uint32_t group_like(Heap *heap, uint32_t parent, enum EdgeKind edge, uint32_t text, uint32_t type,
                    uint32_t name)
{
    if (heap->group_count * 2 >= heap->group_slots)
        widen_table(heap);
    GroupKey wanted = {.parent = parent, .text = text, .type = type, .name = name,
                  .edge = (uint8_t)edge, .used = 1};
    GroupKey *key = key_of(heap, &wanted);
    if (!key->used) {
        *key = wanted;
        key->group = add_group(heap, &wanted);
    }
    return key->group;
}
