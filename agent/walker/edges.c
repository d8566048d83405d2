/* Finds for the walk what an object refers to: first what has a name, then what the garbage
   collector is told of besides. */
#include "heap.h"

#include "python_attributes.h"

#include <string.h>

enum { MAX_NAMED_KEYS = 256 };

static void dict_edges(Heap *heap, PyObject *object)
{
    enum EdgeKind own = heap->groups[heap->group.at[heap->current]].edge;
    int names = own == NAMES || own == THREAD;
    int few = PyDict_GET_SIZE(object) <= MAX_NAMED_KEYS;
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(object, &position, &key, &value)) {
        uint32_t text = 0;
        if (names && PyUnicode_CheckExact(key))
            text = intern_string(heap, key);
        else if (own != THREADS && few)
            text = intern_key(heap, key);
        enum EdgeKind edge = own == THREADS ? THREAD : !text ? ENTRY : names ? ATTRIBUTE : KEY;
        add_edge(heap, value, edge, text);
        add_edge(heap, key, KEYS, 0);
    }
}

static void set_edges(Heap *heap, PyObject *object)
{
    PySetObject *set = (PySetObject *)object;
    for (Py_ssize_t index = 0; index <= set->mask; index++)
        if (set->table[index].key && set->table[index].hash != -1)
            add_edge(heap, set->table[index].key, ENTRY, 0);
}

static void item_edges(Heap *heap, PyObject **items, Py_ssize_t count)
{
    for (Py_ssize_t index = 0; index < count; index++)
        add_edge(heap, items[index], ENTRY, 0);
}

static void function_edges(Heap *heap, PyObject *object)
{
    PyFunctionObject *function = (PyFunctionObject *)object;
    PyCodeObject *code = (PyCodeObject *)function->func_code;
    PyObject *closure = function->func_closure, *defaults = function->func_defaults;
    Py_ssize_t count = closure ? Py_MIN(PyTuple_GET_SIZE(closure), count_free(code)) : 0;
    for (Py_ssize_t index = 0; index < count; index++)
        add_edge(heap, PyTuple_GET_ITEM(closure, index), CLOSURE,
              intern_string(heap, free_name(code, index)));
    count = defaults && PyTuple_Check(defaults) ? PyTuple_GET_SIZE(defaults) : 0;
    Py_ssize_t first = code->co_argcount - count;
    for (Py_ssize_t index = 0; first >= 0 && index < count; index++)
        add_edge(heap, PyTuple_GET_ITEM(defaults, index), DEFAULT,
              intern_string(heap, local_name(code, first + index)));
    PyObject *key, *value;
    Py_ssize_t position = 0;
    if (function->func_kwdefaults && PyDict_Check(function->func_kwdefaults))
        while (PyDict_Next(function->func_kwdefaults, &position, &key, &value))
            add_edge(heap, value, DEFAULT, intern_string(heap, key));
    add_edge(heap, function->func_dict, NAMES, 0);
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
    return dotted_name(heap, module, qualified_name(code_of(frame)));
}

static void add_locals(Heap *heap, Frame *frame)
{
    PyCodeObject *code = frame ? code_of(frame) : NULL;
    for (Py_ssize_t index = 0; code && index < count_locals(code); index++)
        add_edge(heap, local_at(frame, index), LOCAL,
              intern_string(heap, local_name(code, index)));
}

static void add_named(Heap *heap, PyObject *object, const char *name)
{
    if (object)
        add_edge(heap, object, ATTRIBUTE, intern(heap, name, strlen(name)));
}

static void exception_edges(Heap *heap, PyObject *object)
{
    PyBaseExceptionObject *exception = (PyBaseExceptionObject *)object;
    add_named(heap, exception->traceback, "__traceback__");
    add_named(heap, exception->context, "__context__");
    add_named(heap, exception->cause, "__cause__");
    add_named(heap, exception->args, "args");
}

static void traceback_edges(Heap *heap, PyObject *object)
{
    PyTracebackObject *traceback = (PyTracebackObject *)object;
    add_named(heap, (PyObject *)traceback->tb_frame, "tb_frame");
    add_named(heap, (PyObject *)traceback->tb_next, "tb_next");
}

static void class_edges(Heap *heap, PyObject *object)
{
    PyTypeObject *type = (PyTypeObject *)object;
    add_edge(heap, class_dict(type), NAMES, 0);
    add_edge(heap, type->tp_mro, BODY, 0);
    add_edge(heap, type->tp_bases, BODY, 0);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
        add_edge(heap, type->tp_cache, INNER, 0);
}

static void container_edges(Heap *heap, PyObject *object)
{
    switch (heap->info->shape) {
    case LIST:
        item_edges(heap, ((PyListObject *)object)->ob_item, Py_SIZE(object));
        break;
    case TUPLE:
        item_edges(heap, ((PyTupleObject *)object)->ob_item, Py_SIZE(object));
        break;
    case DICT:
        dict_edges(heap, object);
        break;
    case SET:
        set_edges(heap, object);
        break;
    case FUNCTION:
        function_edges(heap, object);
        break;
    case CELL:
        add_edge(heap, PyCell_GET(object), CONTENT, 0);
        break;
    case CLASS:
        class_edges(heap, object);
        break;
    case MODULE:
        add_edge(heap, PyModule_GetDict(object), NAMES, 0);
        break;
    case FRAME:
        add_locals(heap, frame_of(object));
        break;
    case EXCEPTION:
        exception_edges(heap, object);
        break;
    case TRACEBACK:
        traceback_edges(heap, object);
        break;
    default:
        break;
    }
}

static void attribute_edges(Heap *heap, PyObject *object)
{
    TypeInfo *info = heap->info;
    for (uint32_t index = 0; index < info->field_count; index++) {
        uint32_t text = heap->fields.at[info->fields + 2 * index];
        uint32_t offset = heap->fields.at[info->fields + 2 * index + 1];
        add_edge(heap, *(PyObject **)((char *)object + offset), ATTRIBUTE, text);
    }
    if (!info->has_attributes)
        return;
    Py_ssize_t count = 0;
    PyObject **values = inline_values(object, &count);
    for (Py_ssize_t index = 0; values && index < count; index++) {
        if (!values[index])
            continue;
        uint32_t text = intern_string(heap, inline_name(object, index));
        add_edge(heap, values[index], text && text == info->body ? BODY : ATTRIBUTE, text);
    }
    add_edge(heap, instance_dict(object), NAMES, 0);
}

static int unnamed_edge(PyObject *object, void *argument)
{
    Heap *heap = argument;
    PyTypeObject *type = Py_TYPE(object);
    if (object == (PyObject *)heap->info->type)
        return 0;
    int is_body = Py_REFCNT(object) == 1 && (type == &PyDict_Type || type == &PyList_Type ||
                                             type == &PyTuple_Type || type == &PySet_Type);
    enum EdgeKind edge = heap->info->shape == DEQUE ? ENTRY : is_body ? BODY : INNER;
    if (heap->info->shape == THREAD_LOCAL && type == &PyDict_Type)
        edge = THREADS;
    add_edge(heap, object, edge, 0);
    return 0;
}

static uint64_t entries_of(TypeInfo *info, PyObject *object)
{
    switch (info->shape) {
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

static void call_edges(Heap *heap, Frame *frame)
{
    add_locals(heap, frame);
    add_edge(heap, frame_object(frame), INNER, 0);
    add_edge(heap, frame->f_locals, NAMES, 0);
}

/* Adds all edges of a node that the walk has not been at yet. */
void follow_edges(Heap *heap, uint32_t node)
{
    PyObject *object = heap->address[node];
    push(&heap->first, nodes(heap));
    push(&heap->from, (uint32_t)heap->cross.length);
    heap->current = node;
    if (call_of(object)) {
        call_edges(heap, call_of(object));
        return;
    }
    TypeInfo *info = heap->info = type_info(heap, Py_TYPE(object));
    if (info->shape == LEAF)
        return;
    heap->groups[heap->group.at[node]].entries += entries_of(info, object);
    container_edges(heap, object);
    attribute_edges(heap, object);
    if (info->traverse)
        info->traverse(object, unnamed_edge, heap);
}
