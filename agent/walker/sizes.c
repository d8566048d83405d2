/* What an object weighs by itself. `__sizeof__` is never called: it may be anybody's code. */
#include "heap.h"

/* Modules/arraymodule.c, Modules/_io/bytesio.c and stringio.c: the same in 3.10 to 3.14. */
typedef struct {
    PyObject_VAR_HEAD
    char *items;
    Py_ssize_t allocated;
    const struct {
        char typecode;
        int itemsize;
    } *description;
} Array;

typedef struct {
    PyObject_HEAD
    PyObject *buffer;
} BytesIO;

typedef struct {
    PyObject_HEAD
    Py_UCS4 *buffer;
    Py_ssize_t position, length;
    size_t room;
} StringIO;

enum { DEQUE_BLOCK = 64, LINK = 56 };

static size_t string_size(PyObject *string)
{
    size_t length = (size_t)PyUnicode_GET_LENGTH(string);
    if (PyUnicode_IS_COMPACT_ASCII(string))
        return sizeof(PyASCIIObject) + length + 1;
    size_t size = PyUnicode_IS_COMPACT(string) ? sizeof(PyCompactUnicodeObject)
                                               : sizeof(PyUnicodeObject);
    PyCompactUnicodeObject *compact = (PyCompactUnicodeObject *)string;
    if (compact->utf8)
        size += (size_t)compact->utf8_length + 1;
    return size + (length + 1) * (size_t)PyUnicode_KIND(string);
}

/* Generators and frames have items, and no place that says how many. */
static int is_counted(PyTypeObject *type)
{
    return type->tp_itemsize > 0 && type != &PyGen_Type && type != &PyCoro_Type &&
           type != &PyAsyncGen_Type && type != &PyFrame_Type;
}

static size_t fixed(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    size_t size = (size_t)type->tp_basicsize;
    if (is_counted(type)) {
        Py_ssize_t items = Py_SIZE(object);
        size += (size_t)(items < 0 ? -items : items) * (size_t)type->tp_itemsize;
    }
    return size;
}

static size_t table_size(Kind *kind, PyObject *object)
{
    switch (kind->shape) {
    case LIST:
        return (size_t)((PyListObject *)object)->allocated * sizeof(PyObject *);
    case DICT: {
        size_t links = PyODict_Check(object) ? (size_t)PyDict_GET_SIZE(object) * LINK : 0;
        return dict_table((PyDictObject *)object) + links;
    }
    case SET: {
        PySetObject *set = (PySetObject *)object;
        return set->table == set->smalltable ? 0 : (size_t)(set->mask + 1) * sizeof(setentry);
    }
    case DEQUE:
        return ((size_t)Py_SIZE(object) / DEQUE_BLOCK + 1) * (DEQUE_BLOCK + 2) * sizeof(void *);
    case BYTEARRAY:
        return (size_t)((PyByteArrayObject *)object)->ob_alloc;
    case ARRAY: {
        Array *array = (Array *)object;
        return (size_t)array->allocated * (size_t)array->description->itemsize;
    }
    case BYTES_IO: {
        PyObject *buffer = ((BytesIO *)object)->buffer;
        int is_own = buffer && PyBytes_CheckExact(buffer) && Py_REFCNT(buffer) == 1;
        return is_own ? fixed(buffer) : 0;
    }
    case STRING_IO:
        return ((StringIO *)object)->room * sizeof(Py_UCS4);
    default:
        return 0;
    }
}

static size_t class_size(PyObject *object)
{
    PyTypeObject *type = (PyTypeObject *)object;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return 0;
    struct _dictkeysobject *keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
    return fixed(object) + (keys ? keys_size(keys) : 0);
}

size_t size_of(Kind *kind, PyObject *object)
{
    size_t head = head_size(kind->type);
    Py_ssize_t count;
    switch (kind->shape) {
    case LEAF:
        return kind->leaf == STR   ? string_size(object)
               : kind->leaf == INT ? int_size(object)
                                   : fixed(object);
    case NOTHING:
        return 0;
    case CLASS:
        return head + class_size(object);
    case OBJECT:
        if (kind->has_names && inline_values(object, &count))
            head += values_size(object);
        if (PyUnicode_Check(object))
            return head + fixed(object) + string_size(object);
        return PyLong_Check(object) ? head + int_size(object) : head + fixed(object);
    default:
        return head + fixed(object) + table_size(kind, object);
    }
}
