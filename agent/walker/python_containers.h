/* Private layouts of the standard library's containers, the same in CPython 3.10 to 3.14:
   Modules/arraymodule.c, _collectionsmodule.c, _io/bytesio.c, _io/stringio.c,
   Objects/odictobject.c. */
#ifndef BUGSLY_PYTHON_CONTAINERS_H
#define BUGSLY_PYTHON_CONTAINERS_H

#include "python_versions.h"

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

enum {
    DEQUE_BLOCK = 64,      /* entries in one block of a deque */
    ORDERED_DICT_NODE = 56 /* bytes per entry of an OrderedDict, beside the dict's own */
};
#endif
