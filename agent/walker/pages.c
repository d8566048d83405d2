/* Memory straight from the kernel: see pages.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pages.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 1 << 16 };

void exit_child(int status)
{
    _exit(status);
}

void *allocate(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        exit_child(OUT_OF_MEMORY);
    return at;
}

void release(void *at, size_t bytes)
{
    if (at)
        munmap(at, bytes);
}

void *reallocate(void *at, size_t from, size_t to)
{
    if (!at)
        return allocate(to);
#ifdef MREMAP_MAYMOVE
    void *moved = mremap(at, from, to, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        exit_child(OUT_OF_MEMORY);
#else
    void *moved = allocate(to);
    memcpy(moved, at, from);
    munmap(at, from);
#endif
    return moved;
}

static void reserve(Numbers *numbers, size_t capacity)
{
    numbers->at = reallocate(numbers->at, numbers->capacity * sizeof(uint32_t),
                             capacity * sizeof(uint32_t));
    numbers->capacity = capacity;
}

void numbers_grow(Numbers *numbers)
{
    reserve(numbers, numbers->capacity ? numbers->capacity * 2 : FIRST_CAPACITY);
}

void numbers_resize(Numbers *numbers, size_t length)
{
    if (length > numbers->capacity)
        reserve(numbers, length);
    numbers->length = length;
}

void numbers_free(Numbers *numbers)
{
    release(numbers->at, numbers->capacity * sizeof(uint32_t));
    memset(numbers, 0, sizeof(*numbers));
}
