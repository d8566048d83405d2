/* What is told of looks at a heap, in the form that walk_result.py reads. */
#ifndef BUGSLY_TOLD_H
#define BUGSLY_TOLD_H

#include "heap.h"

enum { MOST_LOOKS = 8 };

typedef struct {
    char magic[4];
    uint32_t version;
    uint64_t objects, edges, bytes;
    double walked, seconds;
    uint32_t nodes, texts, groups, letters; /* letters: bytes of all texts with their lengths */
} Header;

typedef struct {
    uint32_t parent, text, type, name, count, how;
    uint32_t leaves[LEAVES];
    uint64_t entries, shallow, retained;
} Row;

/* One look at the heap. Texts have the numbers that the heap gives them, parents count rows. */
typedef struct {
    Header header;
    Row *rows;
    uint32_t *groups; /* of each row, as the heap numbers them */
} Look;

/* earlier.c */
Look read_look(Heap *heap, const char *told);
uint8_t *what_grows(Heap *heap, const Look *looks, size_t count);
#endif
