/* Memory straight from the kernel: the child of a fork must not touch the allocator's. */
#ifndef BUGSLY_PAGES_H
#define BUGSLY_PAGES_H

#include <stddef.h>
#include <stdint.h>

enum { OUT_OF_MEMORY = 71, TOO_MANY = 72, BROKEN_PIPE = 73 };

/* Ends this process, a child made for nothing but the walk. */
_Noreturn void give_up(int status);

/* Returns *bytes* of zeros; gives up where the kernel has none. */
void *take(size_t bytes);
void give_back(void *at, size_t bytes);
/* Returns *at* with room for *to* bytes instead of *from*, the rest zeros. */
void *widen(void *at, size_t from, size_t to);

/* Arrays that grow. */
typedef struct {
    uint32_t *at;
    size_t length, capacity;
} Words;

void words_widen(Words *words);
void words_resize(Words *words, size_t length);
void words_free(Words *words);

static inline void push(Words *words, uint32_t value)
{
    if (words->length == words->capacity)
        words_widen(words);
    words->at[words->length++] = value;
}
#endif
