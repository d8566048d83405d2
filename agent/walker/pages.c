#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pages.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIRST = 1 << 16 };

void give_up(int status)
{
    _exit(status);
}

void *take(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        give_up(OUT_OF_MEMORY);
    return at;
}

void give_back(void *at, size_t bytes)
{
    if (at)
        munmap(at, bytes);
}

void *widen(void *at, size_t from, size_t to)
{
    if (!at)
        return take(to);
#ifdef MREMAP_MAYMOVE
    void *moved = mremap(at, from, to, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        give_up(OUT_OF_MEMORY);
#else
    void *moved = take(to);
    memcpy(moved, at, from);
    munmap(at, from);
#endif
    return moved;
}

static void reserve(Words *words, size_t capacity)
{
    words->at = widen(words->at, words->capacity * sizeof(uint32_t), capacity * sizeof(uint32_t));
    words->capacity = capacity;
}

void words_widen(Words *words)
{
    reserve(words, words->capacity ? words->capacity * 2 : FIRST);
}

void words_resize(Words *words, size_t length)
{
    if (length > words->capacity)
        reserve(words, length);
    words->length = length;
}

void words_free(Words *words)
{
    give_back(words->at, words->capacity * sizeof(uint32_t));
    memset(words, 0, sizeof(*words));
}
