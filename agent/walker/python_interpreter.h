/* How to read the garbage collector's lists and the exit functions of CPython 3.10 to 3.14. */
#ifndef BUGSLY_PYTHON_INTERPRETER_H
#define BUGSLY_PYTHON_INTERPRETER_H

#include "python_versions.h"

/* Returns the collector's list number *index*; NULL after the last. In 3.14 the names of the lists
   before the permanent one depend on the patch level and on who built it; their place does not. */
static inline PyGC_Head *collected_list(PyInterpreterState *interpreter, int index)
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

static inline PyGC_Head *next_in_list(PyGC_Head *head)
{
    return _PyGCHead_NEXT(head);
}

static inline PyObject *object_behind(PyGC_Head *head)
{
    return (PyObject *)(head + 1);
}

/* Puts the function, arguments and keywords of `atexit.register` number *index* into *parts*;
   returns 0 after the last. */
static inline int exit_function(PyInterpreterState *interpreter, int index, PyObject *parts[3])
{
    struct atexit_state *state = &interpreter->atexit;
#if PY_VERSION_HEX >= 0x030E0000
    (void)state;
    (void)index;
    (void)parts;
    return 0; /* 3.14 keeps them in a list, which the collector knows */
#else
    if (index >= state->ncallbacks)
        return 0;
    parts[0] = parts[1] = parts[2] = NULL;
    if (state->callbacks[index]) {
        parts[0] = state->callbacks[index]->func;
        parts[1] = state->callbacks[index]->args;
        parts[2] = state->callbacks[index]->kwargs;
    }
    return 1;
#endif
}
#endif
