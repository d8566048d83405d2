/* Says for each type how the walk reads its objects; works it out once, when it meets the type. */
#include "heap.h"

#include "python_attributes.h"

#include <string.h>

traverseproc class_instance_traverse; /* of all classes that are written in Python */

static const struct {
    const char *module, *name, *attribute;
} BODIES[] = {
    /* as in containers.py of the census in the agent */
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

static void set_leaf(TypeInfo *info)
{
    static const struct {
        PyTypeObject *type;
        enum Leaf leaf;
    } leaves[] = {{&PyUnicode_Type, STR}, {&PyBytes_Type, BYTES}, {&PyLong_Type, INT},
                  {&PyFloat_Type, FLOAT}, {&PyComplex_Type, FLOAT}};
    for (size_t index = 0; index < Py_ARRAY_LENGTH(leaves); index++)
        if (info->type == leaves[index].type) {
            info->shape = LEAF;
            info->leaf = (uint8_t)leaves[index].leaf;
        }
    if (info->type == &PyBool_Type || info->type == Py_TYPE(Py_None) ||
        info->type == Py_TYPE(Py_Ellipsis) || info->type == Py_TYPE(Py_NotImplemented))
        info->shape = SINGLETON;
}

static void add_fields(Heap *heap, TypeInfo *info)
{
    info->fields = (uint32_t)heap->fields.length;
    for (PyTypeObject *base = info->type; base; base = base->tp_base) {
        PyMemberDef *member = base->tp_members;
        for (; member && member->name; member++) {
            if (member->type != T_OBJECT && member->type != T_OBJECT_EX)
                continue;
            push(&heap->fields, intern(heap, member->name, strlen(member->name)));
            push(&heap->fields, (uint32_t)member->offset);
            info->field_count++;
        }
        if (base->tp_flags & Py_TPFLAGS_HEAPTYPE && base->tp_traverse != class_instance_traverse)
            break;
    }
}

static uint32_t body_of(Heap *heap, PyTypeObject *type)
{
    for (PyTypeObject *base = type; base; base = base->tp_base) {
        size_t length;
        const char *name = utf8_of(heap, type_name(heap, base), &length);
        for (size_t index = 0; index < Py_ARRAY_LENGTH(BODIES); index++) {
            size_t module = strlen(BODIES[index].module);
            const char *attribute = BODIES[index].attribute;
            if (!strncmp(name, BODIES[index].module, module) && name[module] == '.' &&
                !strcmp(name + module + 1, BODIES[index].name))
                return intern(heap, attribute, strlen(attribute));
        }
    }
    return 0;
}

/* Returns the function that finds what has no name; NULL if everything has one. */
static traverseproc traverse_of(TypeInfo *info)
{
    PyTypeObject *base = info->type;
    while (base && base->tp_traverse == class_instance_traverse)
        base = base->tp_base;
    traverseproc found = base ? base->tp_traverse : NULL;
    PyTypeObject *known[] = {&PyList_Type, &PyTuple_Type, &PyDict_Type, &PySet_Type};
    for (size_t index = 0; index < Py_ARRAY_LENGTH(known); index++)
        if (found == known[index]->tp_traverse)
            return NULL;
    return info->shape == CLASS ? NULL : found;
}

static TypeInfo *add_type(Heap *heap, PyTypeObject *type)
{
    if (heap->type_count == (size_t)TYPE_PAGES * TYPES_PER_PAGE)
        exit_child(TOO_MANY);
    if (heap->type_count % TYPES_PER_PAGE == 0)
        heap->types[heap->type_count / TYPES_PER_PAGE] =
            allocate(TYPES_PER_PAGE * sizeof(TypeInfo));
    TypeInfo *info = type_info_at(heap, heap->type_count++);
    info->type = type;
    info->shape = (uint8_t)shape_of(type);
    set_leaf(info);
    info->name = type_name(heap, type);
    info->body = body_of(heap, type);
    add_fields(heap, info);
    if (type->tp_flags & Py_TPFLAGS_HAVE_GC)
        info->traverse = traverse_of(info);
    info->has_attributes = (uint8_t)may_have_attributes(type);
    return info;
}

TypeInfo *type_info(Heap *heap, PyTypeObject *type)
{
    if (heap->type_count * 2 >= heap->type_slots) {
        release(heap->type_table, heap->type_slots * sizeof(uint32_t));
        heap->type_slots = heap->type_slots ? heap->type_slots * 2 : 1 << 13;
        heap->type_table = allocate(heap->type_slots * sizeof(uint32_t));
        for (size_t index = 0; index < heap->type_count; index++) {
            uintptr_t address = (uintptr_t)type_info_at(heap, index)->type;
            size_t slot = (address >> 4) & (heap->type_slots - 1);
            while (heap->type_table[slot])
                slot = (slot + 1) & (heap->type_slots - 1);
            heap->type_table[slot] = (uint32_t)index + 1;
        }
    }
    size_t slot = ((uintptr_t)type >> 4) & (heap->type_slots - 1);
    while (heap->type_table[slot]) {
        TypeInfo *info = type_info_at(heap, heap->type_table[slot] - 1);
        if (info->type == type)
            return info;
        slot = (slot + 1) & (heap->type_slots - 1);
    }
    heap->type_table[slot] = (uint32_t)heap->type_count + 1;
    return add_type(heap, type);
}
