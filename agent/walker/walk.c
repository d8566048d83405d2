/* The walk: breadth first, so that the way to a node is a shortest one, and without recursion. */
#include "leftovers.h"

#include <string.h>

void go_on(Heap *heap)
{
    while (heap->first.length < heap->parent.length)
        look_into(heap, (uint32_t)heap->first.length);
}

static uint32_t root_group(Heap *heap, uint32_t text, PyObject *object)
{
    Kind *kind = object ? kind_of(heap, Py_TYPE(object)) : NULL;
    return group_under(heap, 0, ROOT, text, kind, object);
}

uint32_t root_named(Heap *heap, const char *name)
{
    return root_group(heap, text_of(heap, name, strlen(name)), NULL);
}

/* What a module keeps is the module's, however many functions refer to its dictionary. */
static void add_given(Heap *heap, PyObject *roots, int modules)
{
    for (Py_ssize_t index = 0; index < PyList_GET_SIZE(roots); index++) {
        PyObject *pair = PyList_GET_ITEM(roots, index);
        PyObject *object = PyTuple_GET_ITEM(pair, 1);
        if (PyModule_Check(object) != modules)
            continue;
        uint32_t name = text_of_string(heap, PyTuple_GET_ITEM(pair, 0));
        uint32_t group = root_group(heap, name, object);
        reach_root(heap, object, group);
        if (!modules)
            continue;
        PyObject *dict = PyModule_GetDict(object);
        Kind *kind = kind_of(heap, &PyDict_Type);
        reach_root(heap, dict, group_under(heap, group, NAMES, 0, kind, dict));
    }
    go_on(heap);
}

/* The locals of calls that go on, which the collector is not told. */
static void add_calls(Heap *heap, PyInterpreterState *interpreter)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(interpreter);
    for (; thread; thread = PyThreadState_Next(thread))
        for (Frame *frame = innermost(thread); frame; frame = caller(frame))
            if (code_of(frame)) {
                uint32_t group = root_group(heap, frame_name(heap, frame), NULL);
                add_node(heap, as_call(frame), NULL, 0, group);
            }
    go_on(heap);
}

static void add_state(Heap *heap, PyInterpreterState *interpreter)
{
    uint32_t group = root_named(heap, THREAD_STATE);
    PyThreadState *thread = PyInterpreterState_ThreadHead(interpreter);
    for (; thread; thread = PyThreadState_Next(thread)) {
        reach_root(heap, thread->dict, group);
        reach_root(heap, thread->context, group);
    }
    PyObject *told[3];
    group = root_named(heap, AT_EXIT);
    for (int index = 0; at_exit(interpreter, index, told); index++) {
        for (int part = 0; part < 3; part++)
            if (told[part])
                reach_root(heap, told[part], group);
        heap->groups[group].entries++;
    }
    go_on(heap);
}

/* Classes that nothing but their instances leads to. */
static void add_classes(Heap *heap)
{
    for (size_t index = 0; index < heap->kind_count; index++) {
        PyObject *type = (PyObject *)kind_at(heap, index)->type;
        reach_root(heap, type, root_named(heap, CLASSES));
    }
    go_on(heap);
}

/* Walks from *roots*, pairs of a name and an object, from modules first; *whole*: and through all
   else that is alive. */
void walk(Heap *heap, PyObject *roots, int whole)
{
    add_given(heap, roots, 1);
    add_given(heap, roots, 0);
    if (whole) {
        PyInterpreterState *interpreter = PyInterpreterState_Get();
        add_calls(heap, interpreter);
        add_state(heap, interpreter);
        add_classes(heap);
        add_leftovers(heap);
    }
    push(&heap->first, nodes(heap));
    push(&heap->from, (uint32_t)heap->cross.length);
}
