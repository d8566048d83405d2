/* Where an object leads: to what has a name first, then to the rest that the collector is told. */
#include "heap.h"

#include <string.h>

enum { MOST_NAMED = 256 };

static void into_dict(Heap *heap, PyObject *object)
{
    enum How own = heap->groups[heap->group.at[heap->now]].how;
    int names = own == NAMES || own == THREAD;
    int few = PyDict_GET_SIZE(object) <= MOST_NAMED;
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(object, &position, &key, &value)) {
        uint32_t text = 0;
        if (names && PyUnicode_CheckExact(key))
            text = text_of_string(heap, key);
        else if (own != THREADS && few)
            text = word_of(heap, key);
        enum How how = own == THREADS ? THREAD : !text ? ENTRY : names ? ATTRIBUTE : KEY;
        reach(heap, value, how, text);
        reach(heap, key, KEYS, 0);
    }
}

static void into_set(Heap *heap, PyObject *object)
{
    PySetObject *set = (PySetObject *)object;
    for (Py_ssize_t index = 0; index <= set->mask; index++)
        if (set->table[index].key && set->table[index].hash != -1)
            reach(heap, set->table[index].key, ENTRY, 0);
}

static void into_items(Heap *heap, PyObject **items, Py_ssize_t count)
{
    for (Py_ssize_t index = 0; index < count; index++)
        reach(heap, items[index], ENTRY, 0);
}

static void into_function(Heap *heap, PyObject *object)
{
    PyFunctionObject *function = (PyFunctionObject *)object;
    PyCodeObject *code = (PyCodeObject *)function->func_code;
    PyObject *closure = function->func_closure, *defaults = function->func_defaults;
    Py_ssize_t count = closure ? Py_MIN(PyTuple_GET_SIZE(closure), count_free(code)) : 0;
    for (Py_ssize_t index = 0; index < count; index++)
        reach(heap, PyTuple_GET_ITEM(closure, index), CLOSURE,
              text_of_string(heap, free_name(code, index)));
    count = defaults && PyTuple_Check(defaults) ? PyTuple_GET_SIZE(defaults) : 0;
    Py_ssize_t first = code->co_argcount - count;
    for (Py_ssize_t index = 0; first >= 0 && index < count; index++)
        reach(heap, PyTuple_GET_ITEM(defaults, index), DEFAULT,
              text_of_string(heap, local_name(code, first + index)));
    PyObject *key, *value;
    Py_ssize_t position = 0;
    if (function->func_kwdefaults && PyDict_Check(function->func_kwdefaults))
        while (PyDict_Next(function->func_kwdefaults, &position, &key, &value))
            reach(heap, value, DEFAULT, text_of_string(heap, key));
    reach(heap, function->func_dict, NAMES, 0);
}

uint32_t frame_name(Heap *heap, Frame *frame)
{
    PyObject *globals = frame_globals(frame), *key, *value, *module = NULL;
    Py_ssize_t position = 0;
    while (globals && PyDict_Check(globals) && PyDict_Next(globals, &position, &key, &value))
        if (PyUnicode_CheckExact(key) && !PyUnicode_CompareWithASCIIString(key, "__name__")) {
            module = value;
            break;
        }
    return dotted(heap, module, qualified_name(code_of(frame)));
}

static void reach_locals(Heap *heap, Frame *frame)
{
    PyCodeObject *code = frame ? code_of(frame) : NULL;
    for (Py_ssize_t index = 0; code && index < count_locals(code); index++)
        reach(heap, local_at(frame, index), LOCAL,
              text_of_string(heap, local_name(code, index)));
}

static void reach_named(Heap *heap, PyObject *object, const char *name)
{
    if (object)
        reach(heap, object, ATTRIBUTE, text_of(heap, name, strlen(name)));
}

static void into_exception(Heap *heap, PyObject *object)
{
    PyBaseExceptionObject *exception = (PyBaseExceptionObject *)object;
    reach_named(heap, exception->traceback, "__traceback__");
    reach_named(heap, exception->context, "__context__");
    reach_named(heap, exception->cause, "__cause__");
    reach_named(heap, exception->args, "args");
}

static void into_class(Heap *heap, PyObject *object)
{
    PyTypeObject *type = (PyTypeObject *)object;
    reach(heap, class_dict(type), NAMES, 0);
    reach(heap, type->tp_mro, BODY, 0);
    reach(heap, type->tp_bases, BODY, 0);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
        reach(heap, type->tp_cache, INNER, 0);
}

static void into_shape(Heap *heap, PyObject *object)
{
    switch (heap->kind->shape) {
    case LIST:
        into_items(heap, ((PyListObject *)object)->ob_item, Py_SIZE(object));
        break;
    case TUPLE:
        into_items(heap, ((PyTupleObject *)object)->ob_item, Py_SIZE(object));
        break;
    case DICT:
        into_dict(heap, object);
        break;
    case SET:
        into_set(heap, object);
        break;
    case FUNCTION:
        into_function(heap, object);
        break;
    case CELL:
        reach(heap, PyCell_GET(object), CONTENT, 0);
        break;
    case CLASS:
        into_class(heap, object);
        break;
    case MODULE:
        reach(heap, PyModule_GetDict(object), NAMES, 0);
        break;
    case FRAME:
        reach_locals(heap, frame_of(object));
        break;
    case EXCEPTION:
        into_exception(heap, object);
        break;
    case TRACEBACK:
        reach_named(heap, (PyObject *)((PyTracebackObject *)object)->tb_frame, "tb_frame");
        reach_named(heap, (PyObject *)((PyTracebackObject *)object)->tb_next, "tb_next");
        break;
    default:
        break;
    }
}

static void into_names(Heap *heap, PyObject *object)
{
    Kind *kind = heap->kind;
    for (uint32_t index = 0; index < kind->count; index++) {
        uint32_t text = heap->fields.at[kind->fields + 2 * index];
        uint32_t offset = heap->fields.at[kind->fields + 2 * index + 1];
        reach(heap, *(PyObject **)((char *)object + offset), ATTRIBUTE, text);
    }
    if (!kind->has_names)
        return;
    Py_ssize_t count = 0;
    PyObject **values = inline_values(object, &count);
    for (Py_ssize_t index = 0; values && index < count; index++) {
        if (!values[index])
            continue;
        uint32_t text = text_of_string(heap, inline_name(object, index));
        reach(heap, values[index], text && text == kind->body ? BODY : ATTRIBUTE, text);
    }
    reach(heap, instance_dict(object), NAMES, 0);
}

static int visit_rest(PyObject *object, void *argument)
{
    Heap *heap = argument;
    PyTypeObject *type = Py_TYPE(object);
    if (object == (PyObject *)heap->kind->type)
        return 0;
    int is_body = Py_REFCNT(object) == 1 && (type == &PyDict_Type || type == &PyList_Type ||
                                             type == &PyTuple_Type || type == &PySet_Type);
    enum How how = heap->kind->shape == DEQUE ? ENTRY : is_body ? BODY : INNER;
    if (heap->kind->shape == THREAD_LOCAL && type == &PyDict_Type)
        how = THREADS;
    reach(heap, object, how, 0);
    return 0;
}

static uint64_t entries_of(Kind *kind, PyObject *object)
{
    switch (kind->shape) {
    case LIST:
    case DEQUE:
        return (uint64_t)Py_SIZE(object);
    case DICT:
        return (uint64_t)PyDict_GET_SIZE(object);
    case SET:
        return (uint64_t)((PySetObject *)object)->used;
    default:
        return 0;
    }
}

static void into_call(Heap *heap, Frame *frame)
{
    reach_locals(heap, frame);
    reach(heap, frame_object(frame), INNER, 0);
    reach(heap, frame->f_locals, NAMES, 0);
}

/* Follows all edges of a node that was not looked into yet. */
void look_into(Heap *heap, uint32_t node)
{
    PyObject *object = heap->address[node];
    push(&heap->first, nodes(heap));
    push(&heap->from, (uint32_t)heap->cross.length);
    heap->now = node;
    if (call_of(object)) {
        into_call(heap, call_of(object));
        return;
    }
    Kind *kind = heap->kind = kind_of(heap, Py_TYPE(object));
    if (kind->shape == LEAF)
        return;
    heap->groups[heap->group.at[node]].entries += entries_of(kind, object);
    into_shape(heap, object);
    into_names(heap, object);
    if (kind->traverse)
        kind->traverse(object, visit_rest, heap);
}
