/* Walks the heap from its roots for the child: breadth first, so that the path to a node is a
   shortest one, and without recursion. */
#include "python_frames.h"
#include "python_interpreter.h"
#include "root_names.h"
#include "unreachable.h"

#include <string.h>

static void follow_new_nodes(Heap *heap)
{
    while (heap->first.length < heap->parent.length)
        follow_edges(heap, (uint32_t)heap->first.length);
}

static uint32_t root_group(Heap *heap, uint32_t text, PyObject *object)
{
    TypeInfo *info = object ? type_info(heap, Py_TYPE(object)) : NULL;
    return group_under(heap, 0, ROOT, text, info, object);
}

static uint32_t named_root(Heap *heap, const char *name)
{
    return root_group(heap, intern(heap, name, strlen(name)), NULL);
}

/* Adds the given roots: all *modules*, or all others. A module's dictionary belongs to the module,
   however many functions refer to it. */
static void add_given_roots(Heap *heap, PyObject *roots, int modules)
{
    for (Py_ssize_t index = 0; index < PyList_GET_SIZE(roots); index++) {
        PyObject *pair = PyList_GET_ITEM(roots, index);
        PyObject *object = PyTuple_GET_ITEM(pair, 1);
        if (PyModule_Check(object) != modules)
            continue;
        uint32_t name = intern_string(heap, PyTuple_GET_ITEM(pair, 0));
        uint32_t group = root_group(heap, name, object);
        add_root(heap, object, group);
        if (!modules)
            continue;
        PyObject *dict = PyModule_GetDict(object);
        TypeInfo *info = type_info(heap, &PyDict_Type);
        add_root(heap, dict, group_under(heap, group, NAMES, 0, info, dict));
    }
    follow_new_nodes(heap);
}

/* Adds the locals of running calls, which the collector does not know. */
static void add_calls(Heap *heap, PyInterpreterState *interpreter)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(interpreter);
    for (; thread; thread = PyThreadState_Next(thread))
        for (Frame *frame = innermost_frame(thread); frame; frame = calling_frame(frame))
            if (code_of(frame)) {
                uint32_t group = root_group(heap, frame_name(heap, frame), NULL);
                add_node(heap, as_call(frame), NULL, 0, group);
            }
    follow_new_nodes(heap);
}

static void add_interpreter_state(Heap *heap, PyInterpreterState *interpreter)
{
    uint32_t group = named_root(heap, THREAD_STATE);
    PyThreadState *thread = PyInterpreterState_ThreadHead(interpreter);
    for (; thread; thread = PyThreadState_Next(thread)) {
        add_root(heap, thread->dict, group);
        add_root(heap, thread->context, group);
    }
    PyObject *parts[3];
    group = named_root(heap, AT_EXIT);
    for (int index = 0; exit_function(interpreter, index, parts); index++) {
        for (int part = 0; part < 3; part++)
            if (parts[part])
                add_root(heap, parts[part], group);
        heap->groups[group].entries++;
    }
    follow_new_nodes(heap);
}

/* Adds classes that only their instances lead to. */
static void add_classes(Heap *heap)
{
    for (size_t index = 0; index < heap->type_count; index++) {
        PyObject *type = (PyObject *)type_info_at(heap, index)->type;
        add_root(heap, type, named_root(heap, CLASSES));
    }
    follow_new_nodes(heap);
}

static void add_unreachable(Heap *heap, Unreachable *found, const char *name, int only_held)
{
    uint32_t root = named_root(heap, name);
    for (size_t index = 0; index < found->count; index++) {
        PyObject *object = found->objects[index];
        if (only_held && !found->held.at[index])
            continue;
        if (is_known(heap, object))
            continue;
        TypeInfo *info = type_info(heap, Py_TYPE(object));
        add_root(heap, object, group_under(heap, root, INNER, 0, info, object));
    }
    follow_new_nodes(heap);
}

static void add_rest(Heap *heap)
{
    Unreachable found = {0};
    find_unreachable(heap, &found);
    add_unreachable(heap, &found, HELD, 1);
    add_unreachable(heap, &found, CYCLES, 0);
    release_unreachable(&found);
}

/* Walks from *roots*, pairs of a name and an object, modules first. If *whole*, it then walks
   through all else that is alive. */
void walk(Heap *heap, PyObject *roots, int whole)
{
    add_given_roots(heap, roots, 1);
    add_given_roots(heap, roots, 0);
    if (whole) {
        PyInterpreterState *interpreter = PyInterpreterState_Get();
        add_calls(heap, interpreter);
        add_interpreter_state(heap, interpreter);
        add_classes(heap);
        add_rest(heap);
    }
    push(&heap->first, nodes(heap));
    push(&heap->from, (uint32_t)heap->cross.length);
}
