/* Objects that the walk did not reach, though they are alive. */
#ifndef BUGSLY_UNREACHABLE_H
#define BUGSLY_UNREACHABLE_H

#include "heap.h"

typedef struct {
    PyObject **objects;
    size_t count, room;
    Numbers held; /* for each: references that do not come from these objects */
    uint32_t *table; /* by address: the number of an object, plus 1 */
    size_t slots;
} Unreachable;

void find_unreachable(Heap *heap, Unreachable *found);
void release_unreachable(Unreachable *found);
#endif
