/* How CPython 3.10 to 3.14 stores dictionaries, and the attributes of instances and classes. */
#ifndef BUGSLY_PYTHON_ATTRIBUTES_H
#define BUGSLY_PYTHON_ATTRIBUTES_H

#include "python_versions.h"

#if PY_VERSION_HEX < 0x030B0000
struct _dictkeysobject { /* Objects/dict-common.h of 3.10 */
    Py_ssize_t dk_refcnt;
    Py_ssize_t dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable;
    Py_ssize_t dk_nentries;
    char dk_indices[];
};
#endif

static inline size_t dict_keys_size(struct _dictkeysobject *keys)
{
    size_t entries = (size_t)(keys->dk_usable + keys->dk_nentries);
#if PY_VERSION_HEX < 0x030B0000
    size_t slots = (size_t)keys->dk_size;
    size_t wide = slots <= 0xff ? 1 : slots <= 0xffff ? 2 : slots <= 0xffffffff ? 4 : 8;
    return sizeof(*keys) + slots * wide + entries * 3 * sizeof(void *);
#else
    size_t entry = (keys->dk_kind == DICT_KEYS_GENERAL ? 3 : 2) * sizeof(void *);
    return sizeof(*keys) + ((size_t)1 << keys->dk_log2_index_bytes) + entries * entry;
#endif
}

/* Returns the bytes of a dict's table, without keys that it shares with others of its class. */
static inline size_t dict_table_size(PyDictObject *dict)
{
    struct _dictkeysobject *keys = dict->ma_keys;
    if (dict->ma_values)
        return (size_t)(keys->dk_usable + keys->dk_nentries) * sizeof(void *);
    return dict->ma_used || keys->dk_refcnt == 1 ? dict_keys_size(keys) : 0;
}

/* Whether instances of *type* have attributes of their own, inline or in a dictionary. */
static inline int may_have_attributes(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030B0000
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        return 1;
#endif
    return type->tp_dictoffset != 0;
}

/* Returns the *count* attribute values that an instance keeps without a dictionary; NULL if it
   keeps none, or has a dictionary. `inline_name` returns their names. */
static inline PyObject **inline_values(PyObject *object, Py_ssize_t *count)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyTypeObject *type = Py_TYPE(object);
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return NULL;
    struct _dictkeysobject *keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
    PyDictValues *values = NULL;
    if (!keys)
        return NULL;
#if PY_VERSION_HEX >= 0x030D0000
    if (!(type->tp_flags & Py_TPFLAGS_INLINE_VALUES))
        return NULL;
    values = _PyObject_InlineValues(object);
    if (!values->valid)
        return NULL;
    *count = Py_MIN(keys->dk_nentries, (Py_ssize_t)values->capacity);
#else
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT))
        return NULL;
#if PY_VERSION_HEX >= 0x030C0000
    PyDictOrValues either = *_PyObject_DictOrValuesPointer(object);
    if (_PyDictOrValues_IsValues(either))
        values = _PyDictOrValues_GetValues(either);
#else
    values = *_PyObject_ValuesPointer(object);
#endif
    if (!values)
        return NULL;
    *count = keys->dk_nentries;
#endif
    return values->values;
#else
    (void)object;
    (void)count;
    return NULL;
#endif
}

/* Returns the bytes of `inline_values`, which `tp_basicsize` does not count. */
static inline size_t values_size(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030D0000
    return _PyInlineValuesSize(Py_TYPE(object));
#elif PY_VERSION_HEX >= 0x030B0000
    struct _dictkeysobject *keys = ((PyHeapTypeObject *)Py_TYPE(object))->ht_cached_keys;
    return (size_t)(keys->dk_usable + keys->dk_nentries + 1) * sizeof(void *);
#else
    (void)object;
    return 0;
#endif
}

static inline PyObject *inline_name(PyObject *object, Py_ssize_t index)
{
#if PY_VERSION_HEX >= 0x030B0000
    struct _dictkeysobject *keys = ((PyHeapTypeObject *)Py_TYPE(object))->ht_cached_keys;
    if (keys->dk_kind == DICT_KEYS_GENERAL)
        return DK_ENTRIES(keys)[index].me_key;
    return DK_UNICODE_ENTRIES(keys)[index].me_key;
#else
    (void)object;
    (void)index;
    return NULL;
#endif
}

/* Returns the attribute dictionary of an instance; NULL if it has none yet. */
static inline PyObject *instance_dict(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
#if PY_VERSION_HEX >= 0x030D0000
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        return (PyObject *)_PyObject_GetManagedDict(object);
#elif PY_VERSION_HEX >= 0x030C0000
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        PyDictOrValues either = *_PyObject_DictOrValuesPointer(object);
        return _PyDictOrValues_IsValues(either) ? NULL : _PyDictOrValues_GetDict(either);
    }
#elif PY_VERSION_HEX >= 0x030B0000
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        return *_PyObject_ManagedDictPointer(object);
#endif
    Py_ssize_t offset = type->tp_dictoffset;
    return offset > 0 ? *(PyObject **)((char *)object + offset) : NULL;
}

/* Returns the dictionary of a class. Built-in classes keep it elsewhere since 3.12. */
static inline PyObject *class_dict(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (!type->tp_dict) {
        PyObject *found = PyType_GetDict(type);
        Py_XDECREF(found);
        return found;
    }
#endif
    return type->tp_dict;
}
#endif
