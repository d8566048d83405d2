/* Types: what their objects weigh, and how they are looked into. */
#include "heap.h"

#include <string.h>

traverseproc class_instance_traverse; /* of all that is written in Python */

static const struct {
    const char *module, *name, *attribute;
} BODIES[] = {
    /* as in the containers.py of the census */
    {"weakref", "WeakValueDictionary", "data"},
    {"weakref", "WeakKeyDictionary", "data"},
    {"_weakrefset", "WeakSet", "data"},
    {"collections", "UserDict", "data"},
    {"collections", "UserList", "data"},
    {"queue", "Queue", "queue"},
    {"asyncio.queues", "Queue", "_queue"},
    {"cachetools", "Cache", "_Cache__data"},
};

static const struct {
    const char *name;
    enum Shape shape;
} SHAPES[] = {
    {"collections.deque", DEQUE}, {"_thread._local", THREAD_LOCAL}, {"array.array", ARRAY},
    {"_io.BytesIO", BYTES_IO},    {"_io.StringIO", STRING_IO},
};

static enum Shape shape_by_flags(PyTypeObject *type)
{
    unsigned long flags = type->tp_flags;
    if (flags & Py_TPFLAGS_LIST_SUBCLASS)
        return LIST;
    if (flags & Py_TPFLAGS_TUPLE_SUBCLASS)
        return TUPLE;
    if (flags & Py_TPFLAGS_DICT_SUBCLASS)
        return DICT;
    if (flags & Py_TPFLAGS_TYPE_SUBCLASS)
        return CLASS;
    if (flags & Py_TPFLAGS_BASE_EXC_SUBCLASS)
        return EXCEPTION;
    return OBJECT;
}

static enum Shape shape_of(PyTypeObject *type)
{
    enum Shape shape = shape_by_flags(type);
    if (shape != OBJECT)
        return shape;
    for (PyTypeObject *base = type; base; base = base->tp_base) {
        if (base == &PySet_Type || base == &PyFrozenSet_Type)
            return SET;
        if (base == &PyModule_Type)
            return MODULE;
        if (base == &PyByteArray_Type)
            return BYTEARRAY;
        for (size_t index = 0; index < Py_ARRAY_LENGTH(SHAPES); index++)
            if (!strcmp(base->tp_name, SHAPES[index].name))
                return SHAPES[index].shape;
    }
    return type == &PyFunction_Type    ? FUNCTION
           : type == &PyCell_Type      ? CELL
           : type == &PyCode_Type      ? CODE
           : type == &PyFrame_Type     ? FRAME
           : type == &PyTraceBack_Type ? TRACEBACK
                                       : OBJECT;
}

static void judge_leaf(Kind *kind)
{
    static const struct {
        PyTypeObject *type;
        enum Leaf leaf;
    } leaves[] = {{&PyUnicode_Type, STR}, {&PyBytes_Type, BYTES}, {&PyLong_Type, INT},
                  {&PyFloat_Type, FLOAT}, {&PyComplex_Type, FLOAT}};
    for (size_t index = 0; index < Py_ARRAY_LENGTH(leaves); index++)
        if (kind->type == leaves[index].type) {
            kind->shape = LEAF;
            kind->leaf = (uint8_t)leaves[index].leaf;
        }
    if (kind->type == &PyBool_Type || kind->type == Py_TYPE(Py_None) ||
        kind->type == Py_TYPE(Py_Ellipsis) || kind->type == Py_TYPE(Py_NotImplemented))
        kind->shape = NOTHING;
}

static void add_fields(Heap *heap, Kind *kind)
{
    kind->fields = (uint32_t)heap->fields.length;
    for (PyTypeObject *base = kind->type; base; base = base->tp_base) {
        PyMemberDef *member = base->tp_members;
        for (; member && member->name; member++) {
            if (member->type != T_OBJECT && member->type != T_OBJECT_EX)
                continue;
            push(&heap->fields, text_of(heap, member->name, strlen(member->name)));
            push(&heap->fields, (uint32_t)member->offset);
            kind->count++;
        }
        if (base->tp_flags & Py_TPFLAGS_HEAPTYPE && base->tp_traverse != class_instance_traverse)
            break;
    }
}

static uint32_t body_of(Heap *heap, PyTypeObject *type)
{
    for (PyTypeObject *base = type; base; base = base->tp_base) {
        size_t length;
        const char *name = letters_of(heap, type_name(heap, base), &length);
        for (size_t index = 0; index < Py_ARRAY_LENGTH(BODIES); index++) {
            size_t module = strlen(BODIES[index].module);
            const char *attribute = BODIES[index].attribute;
            if (!strncmp(name, BODIES[index].module, module) && name[module] == '.' &&
                !strcmp(name + module + 1, BODIES[index].name))
                return text_of(heap, attribute, strlen(attribute));
        }
    }
    return 0;
}

/* What finds the rest, after all that has a name. */
static traverseproc traverse_of(Kind *kind)
{
    PyTypeObject *base = kind->type;
    while (base && base->tp_traverse == class_instance_traverse)
        base = base->tp_base;
    traverseproc found = base ? base->tp_traverse : NULL;
    PyTypeObject *known[] = {&PyList_Type, &PyTuple_Type, &PyDict_Type, &PySet_Type};
    for (size_t index = 0; index < Py_ARRAY_LENGTH(known); index++)
        if (found == known[index]->tp_traverse)
            return NULL;
    return kind->shape == CLASS ? NULL : found;
}

static Kind *add_kind(Heap *heap, PyTypeObject *type)
{
    if (heap->kind_count == (size_t)KIND_PAGES * KINDS)
        give_up(TOO_MANY);
    if (heap->kind_count % KINDS == 0)
        heap->kinds[heap->kind_count / KINDS] = take(KINDS * sizeof(Kind));
    Kind *kind = kind_at(heap, heap->kind_count++);
    kind->type = type;
    kind->shape = (uint8_t)shape_of(type);
    judge_leaf(kind);
    kind->name = type_name(heap, type);
    kind->body = body_of(heap, type);
    add_fields(heap, kind);
    if (type->tp_flags & Py_TPFLAGS_HAVE_GC)
        kind->traverse = traverse_of(kind);
    kind->has_names = type->tp_dictoffset != 0 || (type->tp_flags & 1ul << 4);
    return kind;
}

Kind *kind_of(Heap *heap, PyTypeObject *type)
{
    if (heap->kind_count * 2 >= heap->kind_slots) {
        give_back(heap->kind_table, heap->kind_slots * sizeof(uint32_t));
        heap->kind_slots = heap->kind_slots ? heap->kind_slots * 2 : 1 << 13;
        heap->kind_table = take(heap->kind_slots * sizeof(uint32_t));
        for (size_t index = 0; index < heap->kind_count; index++) {
            size_t slot = ((uintptr_t)kind_at(heap, index)->type >> 4) & (heap->kind_slots - 1);
            while (heap->kind_table[slot])
                slot = (slot + 1) & (heap->kind_slots - 1);
            heap->kind_table[slot] = (uint32_t)index + 1;
        }
    }
    size_t slot = ((uintptr_t)type >> 4) & (heap->kind_slots - 1);
    while (heap->kind_table[slot]) {
        Kind *kind = kind_at(heap, heap->kind_table[slot] - 1);
        if (kind->type == type)
            return kind;
        slot = (slot + 1) & (heap->kind_slots - 1);
    }
    heap->kind_table[slot] = (uint32_t)heap->kind_count + 1;
    return add_kind(heap, type);
}
