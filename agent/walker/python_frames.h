/* How to read running calls, their code and their locals in CPython 3.10 to 3.14. */
#ifndef BUGSLY_PYTHON_FRAMES_H
#define BUGSLY_PYTHON_FRAMES_H

#include "python_versions.h"

/* Holds the locals of a running call. */
#if PY_VERSION_HEX < 0x030B0000
typedef PyFrameObject Frame;
#else
typedef struct _PyInterpreterFrame Frame;
#endif

static inline Frame *innermost_frame(PyThreadState *thread)
{
#if PY_VERSION_HEX < 0x030B0000
    return thread->frame;
#elif PY_VERSION_HEX < 0x030D0000
    return thread->cframe ? thread->cframe->current_frame : NULL;
#else
    return thread->current_frame;
#endif
}

static inline Frame *calling_frame(Frame *frame)
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

/* Returns the code that a frame runs; NULL for a frame of the interpreter itself. */
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
#endif
