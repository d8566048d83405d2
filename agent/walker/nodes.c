/* Nodes: which objects were met, and under which number.

   An object with a single reference is met once, so a bit that says so is enough. One with more
   has its number in a table, for the edges that lead to it again. */
#include "heap.h"

#include <string.h>

enum { REGION = 30, REGIONS = 1 << 18, FIRST_SLOTS = 1 << 20 };

void heap_begin(Heap *heap)
{
    memset(heap, 0, sizeof(*heap));
    heap->regions = take(REGIONS * sizeof(uint8_t *));
    heap->slots = FIRST_SLOTS;
    heap->table = take(heap->slots * sizeof(uint32_t));
    text_of(heap, "", 0);
    heap->code = type_name(heap, &PyCode_Type);
    group_under(heap, 0, ROOT, 0, NULL, NULL);
    add_node(heap, NULL, NULL, 0, 0);
    push(&heap->first, 1);
    push(&heap->from, 0);
}

static size_t slot_of(Heap *heap, PyObject *object)
{
    uint64_t key = (uintptr_t)object >> 4;
    return (size_t)(key * 0x9e3779b97f4a7c15u >> 24) & (heap->slots - 1);
}

/* Returns the number of a node that is in the table; `NO_NODE` for any other object. */
static uint32_t find(Heap *heap, PyObject *object)
{
    size_t slot = slot_of(heap, object);
    for (uint32_t node; (node = heap->table[slot]); slot = (slot + 1) & (heap->slots - 1))
        if (heap->address[node] == object)
            return node;
    return NO_NODE;
}

static void fill(Heap *heap, PyObject *object, uint32_t node)
{
    size_t slot = slot_of(heap, object);
    while (heap->table[slot])
        slot = (slot + 1) & (heap->slots - 1);
    heap->table[slot] = node;
}

static void put(Heap *heap, PyObject *object, uint32_t node)
{
    if (++heap->taken * 4 > heap->slots * 3) {
        uint32_t *old = heap->table;
        size_t slots = heap->slots;
        heap->slots *= 2;
        heap->table = take(heap->slots * sizeof(uint32_t));
        for (size_t slot = 0; slot < slots; slot++)
            if (old[slot])
                fill(heap, heap->address[old[slot]], old[slot]);
        give_back(old, slots * sizeof(uint32_t));
    }
    fill(heap, object, node);
}

/* Returns whether an object with a single reference was met before; it is from now on. */
static int meet(Heap *heap, PyObject *object)
{
    uintptr_t address = (uintptr_t)object;
    size_t region = address >> REGION;
    if (region >= REGIONS)
        give_up(TOO_MANY);
    if (!heap->regions[region])
        heap->regions[region] = take((size_t)1 << (REGION - 7));
    uint8_t *byte = &heap->regions[region][(address & (((uintptr_t)1 << REGION) - 1)) >> 7];
    uint8_t bit = (uint8_t)(1 << (address >> 4 & 7));
    int known = *byte & bit;
    *byte |= bit;
    return known;
}

static int has_met(Heap *heap, PyObject *object)
{
    uintptr_t address = (uintptr_t)object;
    uint8_t *region = address >> REGION < REGIONS ? heap->regions[address >> REGION] : NULL;
    size_t byte = (address & (((uintptr_t)1 << REGION) - 1)) >> 7;
    return region && region[byte] & 1 << (address >> 4 & 7);
}

int is_known(Heap *heap, PyObject *object)
{
    return find(heap, object) != NO_NODE || (Py_REFCNT(object) == 1 && has_met(heap, object));
}

static int is_shared(PyObject *object)
{
    return Py_REFCNT(object) != 1;
}

uint32_t add_node(Heap *heap, PyObject *object, Kind *kind, uint32_t parent, uint32_t group)
{
    uint32_t node = nodes(heap);
    if (node == NO_NODE)
        give_up(TOO_MANY);
    if (node >= heap->room) {
        size_t room = heap->room ? heap->room * 2 : 1 << 16;
        heap->address = widen(heap->address, heap->room * sizeof(PyObject *),
                              room * sizeof(PyObject *));
        heap->room = room;
    }
    size_t size = kind ? size_of(kind, object) : 0;
    size_t units = (size + UNIT - 1) / UNIT;
    heap->address[node] = object;
    push(&heap->parent, parent);
    push(&heap->group, group);
    push(&heap->size, units > NO_NODE ? NO_NODE : (uint32_t)units);
    heap->groups[group].count++;
    heap->groups[group].shallow += size;
    heap->bytes += size;
    heap->objects++;
    return node;
}

/* Adds what has a single reference and leads nowhere to the node that has it. */
static void add_leaf(Heap *heap, Kind *kind, PyObject *object, size_t size)
{
    if (meet(heap, object))
        return;
    Group *group = &heap->groups[heap->group.at[heap->now]];
    group->leaves[kind->leaf]++;
    group->shallow += size;
    uint32_t *units = &heap->size.at[heap->now];
    uint64_t sum = *units + (size + UNIT - 1) / UNIT;
    *units = sum > NO_NODE ? NO_NODE : (uint32_t)sum;
    heap->bytes += size;
    heap->objects++;
}

/* Returns whether a leaf belongs to the interpreter rather than to whoever refers to it. */
static int is_everywhere(Kind *kind, PyObject *object)
{
    if (is_immortal(object))
        return 1;
    return kind->leaf == INT ? is_small(object)
                             : kind->leaf == STR && PyUnicode_CHECK_INTERNED(object);
}

enum { LARGE_LEAF = 4096 };

/* Follows one edge from the node that is looked at. */
void reach(Heap *heap, PyObject *object, enum How how, uint32_t text)
{
    if (!object)
        return;
    Kind *kind = kind_of(heap, Py_TYPE(object));
    heap->edges++;
    if (kind->shape == NOTHING)
        return;
    int shared = is_shared(object);
    if (kind->shape == LEAF) {
        if (shared && is_everywhere(kind, object))
            return;
        size_t size = shared ? 0 : size_of(kind, object);
        if (!shared && size < LARGE_LEAF) {
            add_leaf(heap, kind, object, size);
            return;
        }
    }
    if (shared) {
        uint32_t node = find(heap, object);
        if (node != NO_NODE) {
            if (heap->parent.at[node])
                push(&heap->cross, node);
            return;
        }
    }
    if (!shared && meet(heap, object))
        return;
    uint32_t owner = heap->group.at[heap->now];
    uint32_t group = heap->groups[owner].type == heap->code
                         ? owner
                         : group_under(heap, owner, how, text, kind, object);
    uint32_t node = add_node(heap, object, kind, heap->now, group);
    if (shared)
        put(heap, object, node);
}

/* Makes *object* a root, of a *group* of its own, unless it is known. */
void reach_root(Heap *heap, PyObject *object, uint32_t group)
{
    if (!object || is_known(heap, object))
        return;
    Kind *kind = kind_of(heap, Py_TYPE(object));
    uint32_t node = add_node(heap, object, kind, 0, group);
    if (!is_shared(object))
        meet(heap, object);
    put(heap, object, node);
}
