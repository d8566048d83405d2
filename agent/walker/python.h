/* All that differs between CPython 3.10 and 3.14, and only here.

   The walker reads the interpreter's structures as they lie in memory. What the public headers do
   not show comes from the internal ones of the very Python it is compiled for. */
#ifndef BUGSLY_PYTHON_H
#define BUGSLY_PYTHON_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_BUILD_CORE_MODULE
#define Py_BUILD_CORE_MODULE 1
#endif
#include <Python.h>
#include <frameobject.h>
#include <structmember.h>

#include "internal/pycore_interp.h"
#include "internal/pycore_gc.h"
#include "internal/pycore_pystate.h"
#if PY_VERSION_HEX >= 0x030B0000
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_object.h"
#endif
#if PY_VERSION_HEX >= 0x030E0000
#include "internal/pycore_interpframe.h"
#endif

#if PY_VERSION_HEX < 0x030A0000 || PY_VERSION_HEX >= 0x030F0000
#error "the heap walker knows CPython 3.10 to 3.14"
#endif
#if defined(PYPY_VERSION) || defined(Py_GIL_DISABLED)
#error "the heap walker needs CPython with its global lock"
#endif

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

static inline size_t keys_size(struct _dictkeysobject *keys)
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

/* The table of a dict, without the keys that it shares with others of its class. */
static inline size_t dict_table(PyDictObject *dict)
{
    struct _dictkeysobject *keys = dict->ma_keys;
    if (dict->ma_values)
        return (size_t)(keys->dk_usable + keys->dk_nentries) * sizeof(void *);
    return dict->ma_used || keys->dk_refcnt == 1 ? keys_size(keys) : 0;
}

static inline int is_immortal(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030C0000
    return _Py_IsImmortal(object);
#else
    (void)object;
    return 0;
#endif
}

/* Attributes that an instance keeps without a dictionary: *count* values under the names of
   *keys*. NULL where it has none, or has a dictionary. */
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

/* What the values of `inline_values` weigh, which no basic size counts. */
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

/* The attribute dictionary of an instance, where it has one by now. */
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

static inline size_t head_size(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030B0000
    return _PyType_PreHeaderSize(type);
#else
    return type->tp_flags & Py_TPFLAGS_HAVE_GC ? sizeof(PyGC_Head) : 0;
#endif
}

/* The dictionary of a class; it lies elsewhere for built-in ones since 3.12. */
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

static inline size_t int_size(PyObject *number)
{
#if PY_VERSION_HEX >= 0x030C0000
    size_t digits = ((PyLongObject *)number)->long_value.lv_tag >> 3;
#else
    Py_ssize_t signed_digits = Py_SIZE(number);
    size_t digits = (size_t)(signed_digits < 0 ? -signed_digits : signed_digits);
#endif
    return (size_t)PyLong_Type.tp_basicsize + digits * sizeof(digit);
}

/* Whether an int is one of those that the interpreter has made once; they are immortal since 3.12. */
static inline int is_small(PyObject *number)
{
#if PY_VERSION_HEX >= 0x030C0000
    (void)number;
    return 0;
#else
    Py_ssize_t digits = Py_SIZE(number);
    digit first = digits ? ((PyLongObject *)number)->ob_digit[0] : 0;
    return digits == 0 || (digits == 1 && first <= 256) || (digits == -1 && first <= 5);
#endif
}

/* Frames. `Frame` is what holds the locals of a call that goes on. */
#if PY_VERSION_HEX < 0x030B0000
typedef PyFrameObject Frame;
#else
typedef struct _PyInterpreterFrame Frame;
#endif

static inline Frame *innermost(PyThreadState *thread)
{
#if PY_VERSION_HEX < 0x030B0000
    return thread->frame;
#elif PY_VERSION_HEX < 0x030D0000
    return thread->cframe ? thread->cframe->current_frame : NULL;
#else
    return thread->current_frame;
#endif
}

static inline Frame *caller(Frame *frame)
{
#if PY_VERSION_HEX < 0x030B0000
    return frame->f_back;
#else
    return frame->previous;
#endif
}

static inline Frame *frame_of(PyObject *object)
{
#if PY_VERSION_HEX < 0x030B0000
    return (PyFrameObject *)object;
#else
    return ((PyFrameObject *)object)->f_frame;
#endif
}

static inline PyObject *frame_object(Frame *frame)
{
#if PY_VERSION_HEX < 0x030B0000
    return (PyObject *)frame;
#else
    return (PyObject *)frame->frame_obj;
#endif
}

/* The code that a frame runs; NULL for one of the interpreter's own. */
static inline PyCodeObject *code_of(Frame *frame)
{
#if PY_VERSION_HEX < 0x030D0000
    PyObject *code = (PyObject *)frame->f_code;
#elif PY_VERSION_HEX < 0x030E0000
    PyObject *code = frame->f_executable;
#else
    PyObject *code = (PyObject *)(frame->f_executable.bits & ~(uintptr_t)3);
#endif
#if PY_VERSION_HEX >= 0x030E0000
    if (frame->owner >= FRAME_OWNED_BY_INTERPRETER)
        return NULL;
#elif PY_VERSION_HEX >= 0x030C0000
    if (frame->owner == FRAME_OWNED_BY_CSTACK)
        return NULL;
#endif
    return code && PyCode_Check(code) ? (PyCodeObject *)code : NULL;
}

static inline PyObject *frame_globals(Frame *frame)
{
    return frame->f_globals;
}

static inline Py_ssize_t count_locals(PyCodeObject *code)
{
#if PY_VERSION_HEX < 0x030B0000
    return code->co_nlocals + PyTuple_GET_SIZE(code->co_cellvars) +
           PyTuple_GET_SIZE(code->co_freevars);
#else
    return code->co_nlocalsplus;
#endif
}

static inline PyObject *local_at(Frame *frame, Py_ssize_t index)
{
#if PY_VERSION_HEX < 0x030B0000
    return frame->f_localsplus[index];
#elif PY_VERSION_HEX < 0x030E0000
    return frame->localsplus[index];
#else
    uintptr_t bits = frame->localsplus[index].bits;
    return (bits & 3) == 3 ? NULL : (PyObject *)(bits & ~(uintptr_t)3);
#endif
}

static inline PyObject *local_name(PyCodeObject *code, Py_ssize_t index)
{
#if PY_VERSION_HEX < 0x030B0000
    if (index < code->co_nlocals)
        return PyTuple_GET_ITEM(code->co_varnames, index);
    index -= code->co_nlocals;
    Py_ssize_t cells = PyTuple_GET_SIZE(code->co_cellvars);
    return index < cells ? PyTuple_GET_ITEM(code->co_cellvars, index)
                         : PyTuple_GET_ITEM(code->co_freevars, index - cells);
#else
    return PyTuple_GET_ITEM(code->co_localsplusnames, index);
#endif
}

static inline Py_ssize_t count_free(PyCodeObject *code)
{
#if PY_VERSION_HEX < 0x030B0000
    return PyTuple_GET_SIZE(code->co_freevars);
#else
    return code->co_nfreevars;
#endif
}

static inline PyObject *free_name(PyCodeObject *code, Py_ssize_t index)
{
    return local_name(code, count_locals(code) - count_free(code) + index);
}

static inline PyObject *qualified_name(PyCodeObject *code)
{
#if PY_VERSION_HEX < 0x030B0000
    return code->co_name;
#else
    return code->co_qualname;
#endif
}

/* The lists of all objects the collector knows; NULL after the last. What those before the permanent
   one are called in 3.14 depends on its patch level, and on who built it; where they lie does not. */
static inline PyGC_Head *collected(PyInterpreterState *interpreter, int index)
{
    struct _gc_runtime_state *state = &interpreter->gc;
    if (index > 3)
        return NULL;
#if PY_VERSION_HEX >= 0x030E0000
    struct gc_generation *permanent = &state->permanent_generation;
    return &(permanent - 3 + index)->head;
#else
    return index < 3 ? &state->generations[index].head : &state->permanent_generation.head;
#endif
}

static inline PyGC_Head *next_collected(PyGC_Head *head)
{
    return _PyGCHead_NEXT(head);
}

static inline PyObject *object_after(PyGC_Head *head)
{
    return (PyObject *)(head + 1);
}

/* What `atexit.register` was given, the *index*-th; 0 after the last. */
static inline int at_exit(PyInterpreterState *interpreter, int index, PyObject *told[3])
{
    struct atexit_state *state = &interpreter->atexit;
#if PY_VERSION_HEX >= 0x030E0000
    (void)state;
    (void)index;
    (void)told;
    return 0; /* a list there, which the collector knows */
#else
    if (index >= state->ncallbacks)
        return 0;
    told[0] = told[1] = told[2] = NULL;
    if (state->callbacks[index]) {
        told[0] = state->callbacks[index]->func;
        told[1] = state->callbacks[index]->args;
        told[2] = state->callbacks[index]->kwargs;
    }
    return 1;
#endif
}
#endif
