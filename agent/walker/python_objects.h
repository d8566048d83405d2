/* Sizes of object headers and ints in CPython 3.10 to 3.14, and which objects are immortal. */
#ifndef BUGSLY_PYTHON_OBJECTS_H
#define BUGSLY_PYTHON_OBJECTS_H

#include "python_versions.h"

static inline int is_immortal(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030C0000
    return _Py_IsImmortal(object);
#else
    (void)object;
    return 0;
#endif
}

/* Returns the bytes before an object: of the collector, and of managed attributes. */
static inline size_t header_size(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030B0000
    return _PyType_PreHeaderSize(type);
#else
    return type->tp_flags & Py_TPFLAGS_HAVE_GC ? sizeof(PyGC_Head) : 0;
#endif
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

/* Whether the interpreter made an int once, for everyone. Since 3.12 such ints are immortal. */
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
#endif
