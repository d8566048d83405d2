/* The child process that walks the heap: see child.c. */
#ifndef BUGSLY_CHILD_H
#define BUGSLY_CHILD_H

#include "heap.h"

#include <sys/types.h>

pid_t start_child(int descriptor, PyObject *roots, int whole, PyObject *earlier, double *pause);
int reap_child(pid_t child, int *status);
#endif
