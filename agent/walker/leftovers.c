/* What no root leads to, though it is alive.

   As the collector does, references among these objects are taken from their counts: what has
   some left is held by C code, the rest holds itself in cycles. */
#include "leftovers.h"

typedef struct {
    PyObject **at;
    size_t count, room;
    uint32_t *table;
    size_t slots;
    Words held; /* references from elsewhere */
} Left;

static void keep(Left *left, PyObject *object)
{
    if (left->count == left->room) {
        size_t room = left->room ? left->room * 2 : 1 << 12;
        left->at = widen(left->at, left->room * sizeof(PyObject *), room * sizeof(PyObject *));
        left->room = room;
    }
    left->at[left->count++] = object;
}

static size_t slot_of(Left *left, PyObject *object)
{
    size_t slot = (size_t)((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15u >> 24;
    for (slot &= left->slots - 1; left->table[slot]; slot = (slot + 1) & (left->slots - 1))
        if (left->at[left->table[slot] - 1] == object)
            break;
    return slot;
}

static void collect(Left *left, Heap *heap)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    for (int index = 0; collected(interpreter, index); index++) {
        PyGC_Head *list = collected(interpreter, index);
        for (PyGC_Head *one = next_collected(list); one != list; one = next_collected(one))
            if (!is_known(heap, object_after(one)))
                keep(left, object_after(one));
    }
    left->slots = 1 << 10;
    while (left->slots < left->count * 2)
        left->slots *= 2;
    left->table = take(left->slots * sizeof(uint32_t));
    words_resize(&left->held, left->count);
    for (size_t index = 0; index < left->count; index++) {
        left->table[slot_of(left, left->at[index])] = (uint32_t)index + 1;
        Py_ssize_t references = Py_REFCNT(left->at[index]);
        left->held.at[index] = references > 0x7fffffff ? 0x7fffffff : (uint32_t)references;
    }
}

static int take_off(PyObject *object, void *argument)
{
    Left *left = argument;
    uint32_t index = left->table[slot_of(left, object)];
    if (index && left->held.at[index - 1])
        left->held.at[index - 1]--;
    return 0;
}

static void add_from(Heap *heap, Left *left, const char *name, int only_held)
{
    uint32_t root = root_named(heap, name);
    for (size_t index = 0; index < left->count; index++) {
        PyObject *object = left->at[index];
        if (only_held && !left->held.at[index])
            continue;
        if (is_known(heap, object))
            continue;
        Kind *kind = kind_of(heap, Py_TYPE(object));
        reach_root(heap, object, group_under(heap, root, INNER, 0, kind, object));
    }
    go_on(heap);
}

void add_leftovers(Heap *heap)
{
    Left left = {0};
    collect(&left, heap);
    for (size_t index = 0; index < left.count; index++) {
        traverseproc traverse = Py_TYPE(left.at[index])->tp_traverse;
        if (traverse)
            traverse(left.at[index], take_off, &left);
    }
    add_from(heap, &left, HELD, 1);
    add_from(heap, &left, CYCLES, 0);
    give_back(left.at, left.room * sizeof(PyObject *));
    give_back(left.table, left.slots * sizeof(uint32_t));
    words_free(&left.held);
}
