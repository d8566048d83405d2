/* Adds nodes and edges for the walk, and knows which objects have been met.

   The walk meets an object with a single reference once, so a bit is enough for it. An object with
   more references has its number in a table, for the edges that lead to it again. */
#include "heap.h"

#include "python_objects.h"

#include <string.h>

enum { FIRST_SLOTS = 1 << 20 };

void heap_begin(Heap *heap)
{
    memset(heap, 0, sizeof(*heap));
    address_set_init(&heap->met);
    heap->slots = FIRST_SLOTS;
    heap->table = allocate(heap->slots * sizeof(uint32_t));
    intern(heap, "", 0);
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

/* Returns the node of an object that is in the table; `NO_NODE` for any other object. */
static uint32_t find_node(Heap *heap, PyObject *object)
{
    size_t slot = slot_of(heap, object);
    for (uint32_t node; (node = heap->table[slot]); slot = (slot + 1) & (heap->slots - 1))
        if (heap->address[node] == object)
            return node;
    return NO_NODE;
}

static void fill_slot(Heap *heap, PyObject *object, uint32_t node)
{
    size_t slot = slot_of(heap, object);
    while (heap->table[slot])
        slot = (slot + 1) & (heap->slots - 1);
    heap->table[slot] = node;
}

static void add_to_table(Heap *heap, PyObject *object, uint32_t node)
{
    if (++heap->taken * 4 > heap->slots * 3) {
        uint32_t *old = heap->table;
        size_t slots = heap->slots;
        heap->slots *= 2;
        heap->table = allocate(heap->slots * sizeof(uint32_t));
        for (size_t slot = 0; slot < slots; slot++)
            if (old[slot])
                fill_slot(heap, heap->address[old[slot]], old[slot]);
        release(old, slots * sizeof(uint32_t));
    }
    fill_slot(heap, object, node);
}

static int is_shared(PyObject *object)
{
    return Py_REFCNT(object) != 1;
}

/* Whether an object with a single reference was met before; it is from now on. */
static int meet(Heap *heap, PyObject *object)
{
    return address_set_add(&heap->met, (uintptr_t)object);
}

int is_known(Heap *heap, PyObject *object)
{
    return find_node(heap, object) != NO_NODE ||
           (!is_shared(object) && address_set_has(&heap->met, (uintptr_t)object));
}

uint32_t add_node(Heap *heap, PyObject *object, TypeInfo *info, uint32_t parent, uint32_t group)
{
    uint32_t node = nodes(heap);
    if (node == NO_NODE)
        exit_child(TOO_MANY);
    if (node >= heap->room) {
        size_t room = heap->room ? heap->room * 2 : 1 << 16;
        heap->address = reallocate(heap->address, heap->room * sizeof(PyObject *),
                                   room * sizeof(PyObject *));
        heap->room = room;
    }
    size_t size = info ? size_of(info, object) : 0;
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

/* Adds to the current node a leaf that nothing else refers to. */
static void add_leaf(Heap *heap, TypeInfo *info, PyObject *object, size_t size)
{
    if (meet(heap, object))
        return;
    Group *group = &heap->groups[heap->group.at[heap->current]];
    group->leaves[info->leaf]++;
    group->shallow += size;
    uint32_t *units = &heap->size.at[heap->current];
    uint64_t sum = *units + (size + UNIT - 1) / UNIT;
    *units = sum > NO_NODE ? NO_NODE : (uint32_t)sum;
    heap->bytes += size;
    heap->objects++;
}

/* Whether a leaf belongs to the interpreter rather than to whoever refers to it. */
static int is_interpreters_own(TypeInfo *info, PyObject *object)
{
    if (is_immortal(object))
        return 1;
    return info->leaf == INT ? is_small(object)
                             : info->leaf == STR && PyUnicode_CHECK_INTERNED(object);
}

enum { LARGE_LEAF = 4096 };

/* Adds an edge from the current node to *object*, and a node for an object that is new. */
void add_edge(Heap *heap, PyObject *object, enum EdgeKind edge, uint32_t text)
{
    if (!object)
        return;
    TypeInfo *info = type_info(heap, Py_TYPE(object));
    heap->edges++;
    if (info->shape == SINGLETON)
        return;
    int shared = is_shared(object);
    if (info->shape == LEAF) {
        if (shared && is_interpreters_own(info, object))
            return;
        size_t size = shared ? 0 : size_of(info, object);
        if (!shared && size < LARGE_LEAF) {
            add_leaf(heap, info, object, size);
            return;
        }
    }
    if (shared) {
        uint32_t node = find_node(heap, object);
        if (node != NO_NODE) {
            if (heap->parent.at[node])
                push(&heap->cross, node);
            return;
        }
    }
    if (!shared && meet(heap, object))
        return;
    uint32_t owner = heap->group.at[heap->current];
    uint32_t group = heap->groups[owner].type == heap->code
                         ? owner
                         : group_under(heap, owner, edge, text, info, object);
    uint32_t node = add_node(heap, object, info, heap->current, group);
    if (shared)
        add_to_table(heap, object, node);
}

/* Adds *object* as a root, in *group*, unless it is known. */
void add_root(Heap *heap, PyObject *object, uint32_t group)
{
    if (!object || is_known(heap, object))
        return;
    TypeInfo *info = type_info(heap, Py_TYPE(object));
    uint32_t node = add_node(heap, object, info, 0, group);
    if (!is_shared(object))
        meet(heap, object);
    add_to_table(heap, object, node);
}
