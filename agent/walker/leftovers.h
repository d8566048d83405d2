/* What the parts of the walk share. */
#ifndef BUGSLY_LEFTOVERS_H
#define BUGSLY_LEFTOVERS_H

#include "heap.h"

/* Names of roots that are no module's. walk_result.py knows them. */
#define HELD "<held by C code>"
#define CYCLES "<cycles>"
#define CLASSES "<classes>"
#define AT_EXIT "<at exit>"
#define THREAD_STATE "<thread state>"

/* Looks into all nodes that wait. */
void go_on(Heap *heap);
uint32_t root_named(Heap *heap, const char *name);
void add_leftovers(Heap *heap);
#endif
