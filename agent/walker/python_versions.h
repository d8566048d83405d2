/* Includes CPython's headers for the walker, and refuses a Python that the walker does not know.

   The walker reads the interpreter's structures as they lie in memory. What the public headers do
   not show comes from the internal headers of the Python it is compiled for. Every difference
   between versions is in the `python_*.h` files, and nowhere else. */
#ifndef BUGSLY_PYTHON_VERSIONS_H
#define BUGSLY_PYTHON_VERSIONS_H

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
#endif
