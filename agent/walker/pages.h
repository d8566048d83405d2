/* Memory for the child that walks, straight from the kernel: it must not use malloc, whose locks
   another thread of the worker may hold. */
#ifndef BUGSLY_PAGES_H
#define BUGSLY_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* Exit statuses of the child; snapshot.py in the agent puts them into words. */
enum { OUT_OF_MEMORY = 71, TOO_MANY = 72, BROKEN_PIPE = 73, HIGH_ADDRESS = 75 };

/* Ends this process, which exists only for the walk. */
_Noreturn void exit_child(int status);

/* Returns *bytes* of zeros; ends the child if the kernel has none. */
void *allocate(size_t bytes);
void release(void *at, size_t bytes);
/* Returns *at* with room for *to* bytes instead of *from*; the new ones are zeros. */
void *reallocate(void *at, size_t from, size_t to);

/* An array that grows. */
typedef struct {
    uint32_t *at;
    size_t length, capacity;
} Numbers;

void numbers_grow(Numbers *numbers);
void numbers_resize(Numbers *numbers, size_t length);
void numbers_free(Numbers *numbers);

static inline void push(Numbers *numbers, uint32_t value)
{
    if (numbers->length == numbers->capacity)
        numbers_grow(numbers);
    numbers->at[numbers->length++] = value;
}
#endif
