/* Says how many bytes an object takes by itself. It never calls `__sizeof__`, which may be
   anybody's code. */
#include "heap.h"

#include "python_attributes.h"
#include "python_containers.h"
#include "python_objects.h"

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

/* Whether `Py_SIZE` counts the items of an object. Generators and frames have items, but no count.
   */
static int is_counted(PyTypeObject *type)
{
    return type->tp_itemsize > 0 && type != &PyGen_Type && type != &PyCoro_Type &&
           type != &PyAsyncGen_Type && type != &PyFrame_Type;
}

static size_t basic_size(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    size_t size = (size_t)type->tp_basicsize;
    if (is_counted(type)) {
        Py_ssize_t items = Py_SIZE(object);
        size += (size_t)(items < 0 ? -items : items) * (size_t)type->tp_itemsize;
    }
    return size;
}

static size_t table_size(TypeInfo *info, PyObject *object)
{
    switch (info->shape) {
    case LIST:
        return (size_t)((PyListObject *)object)->allocated * sizeof(PyObject *);
    case DICT: {
        size_t count = PyODict_Check(object) ? (size_t)PyDict_GET_SIZE(object) : 0;
        return dict_table_size((PyDictObject *)object) + count * ORDERED_DICT_NODE;
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
        return is_own ? basic_size(buffer) : 0;
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
    return basic_size(object) + (keys ? dict_keys_size(keys) : 0);
}

size_t size_of(TypeInfo *info, PyObject *object)
{
    size_t head = header_size(info->type);
    Py_ssize_t count;
    switch (info->shape) {
    case LEAF:
        return info->leaf == STR   ? string_size(object)
               : info->leaf == INT ? int_size(object)
                                   : basic_size(object);
    case SINGLETON:
        return 0;
    case CLASS:
        return head + class_size(object);
    case OBJECT:
        if (info->has_attributes && inline_values(object, &count))
            head += values_size(object);
        if (PyUnicode_Check(object))
            return head + basic_size(object) + string_size(object);
        return PyLong_Check(object) ? head + int_size(object) : head + basic_size(object);
    default:
        return head + basic_size(object) + table_size(info, object);
    }
}
