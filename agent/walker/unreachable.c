/* Finds for the walk what is alive though no root leads to it, and what of it C code holds.

   Like the garbage collector, it subtracts the references among these objects from their reference
   counts. C code holds an object that has references left; the others hold one another in cycles.
   */
#include "unreachable.h"

#include "python_interpreter.h"

enum { FIRST_ROOM = 1 << 12, FIRST_SLOTS = 1 << 10, MAX_REFERENCES = 0x7fffffff };

static void append(Unreachable *found, PyObject *object)
{
    if (found->count == found->room) {
        size_t room = found->room ? found->room * 2 : FIRST_ROOM;
        found->objects = reallocate(found->objects, found->room * sizeof(PyObject *),
                                    room * sizeof(PyObject *));
        found->room = room;
    }
    found->objects[found->count++] = object;
}

static size_t slot_of(Unreachable *found, PyObject *object)
{
    size_t slot = (size_t)((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15u >> 24;
    for (slot &= found->slots - 1; found->table[slot]; slot = (slot + 1) & (found->slots - 1))
        if (found->objects[found->table[slot] - 1] == object)
            break;
    return slot;
}

static void list_unknown(Heap *heap, Unreachable *found)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    for (int index = 0; collected_list(interpreter, index); index++) {
        PyGC_Head *list = collected_list(interpreter, index);
        for (PyGC_Head *head = next_in_list(list); head != list; head = next_in_list(head))
            if (!is_known(heap, object_behind(head)))
                append(found, object_behind(head));
    }
}

static void count_references(Unreachable *found)
{
    found->slots = FIRST_SLOTS;
    while (found->slots < found->count * 2)
        found->slots *= 2;
    found->table = allocate(found->slots * sizeof(uint32_t));
    numbers_resize(&found->held, found->count);
    for (size_t index = 0; index < found->count; index++) {
        found->table[slot_of(found, found->objects[index])] = (uint32_t)index + 1;
        Py_ssize_t references = Py_REFCNT(found->objects[index]);
        found->held.at[index] =
            references > MAX_REFERENCES ? MAX_REFERENCES : (uint32_t)references;
    }
}

static int subtract_reference(PyObject *object, void *argument)
{
    Unreachable *found = argument;
    uint32_t number = found->table[slot_of(found, object)];
    if (number && found->held.at[number - 1])
        found->held.at[number - 1]--;
    return 0;
}

/* Fills *found* with all objects of the collector that *heap* does not know. */
void find_unreachable(Heap *heap, Unreachable *found)
{
    list_unknown(heap, found);
    count_references(found);
    for (size_t index = 0; index < found->count; index++) {
        traverseproc traverse = Py_TYPE(found->objects[index])->tp_traverse;
        if (traverse)
            traverse(found->objects[index], subtract_reference, found);
    }
}

void release_unreachable(Unreachable *found)
{
    release(found->objects, found->room * sizeof(PyObject *));
    release(found->table, found->slots * sizeof(uint32_t));
    numbers_free(&found->held);
}
