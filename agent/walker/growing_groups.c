/* Finds for the child which groups grew from each snapshot to the next. The rest of a heap is the
   same in all of them, and the child need not write it again. */
#include "root_names.h"
#include "snapshot_format.h"

#include <string.h>

typedef struct {
    uint64_t entries, inner, shallow;
} Sum;

/* Returns for each group the one that a person sees: a part belongs to its owner. */
static uint32_t *owners(Heap *heap)
{
    uint32_t *owner = allocate(heap->group_count * sizeof(uint32_t));
    for (uint32_t group = 1; group < heap->group_count; group++) {
        uint32_t parent = heap->groups[group].parent;
        owner[group] = parent && is_part(heap->groups[group].edge) ? owner[parent] : group;
    }
    return owner;
}

static void add_sums(Sum *sums, size_t count, const Snapshot *snapshot, const uint32_t *owner)
{
    for (uint32_t index = 1; index < snapshot->header.groups; index++) {
        const GroupRow *row = &snapshot->rows[index];
        uint32_t group = snapshot->groups[index], above = snapshot->groups[row->parent];
        Sum *sum = &sums[owner[group] * count];
        sum->entries += row->entries;
        sum->shallow += row->shallow;
        if (owner[group] == group)
            sums[owner[above] * count].inner += row->count;
    }
}

static uint64_t holds(const Sum *sum)
{
    return sum->entries ? sum->entries : sum->inner;
}

static int grows(const Sum *sums, size_t count)
{
    int in_number = 1, in_bytes = 1;
    for (size_t index = 1; index < count; index++) {
        in_number &= holds(&sums[index]) > holds(&sums[index - 1]);
        in_bytes &= sums[index].shallow > sums[index - 1].shallow;
    }
    return in_number || in_bytes;
}

/* Returns a mark for each group that grew from each of the *snapshots* to the next, that no root
   leads to, or that is below or above such a group. */
uint8_t *find_growing(Heap *heap, const Snapshot *snapshots, size_t count)
{
    uint32_t *owner = owners(heap);
    Sum *sums = allocate(heap->group_count * count * sizeof(Sum));
    for (size_t index = 0; index < count; index++)
        add_sums(&sums[index], count, &snapshots[index], owner);
    uint32_t held = intern(heap, HELD, strlen(HELD));
    uint32_t cycles = intern(heap, CYCLES, strlen(CYCLES));
    uint8_t *marks = allocate(heap->group_count);
    for (uint32_t index = 1; index < heap->group_count; index++) {
        Group *group = &heap->groups[index];
        if (group->parent ? marks[group->parent] : group->text == held || group->text == cycles)
            marks[index] = 1;
        else
            marks[index] = (uint8_t)grows(&sums[index * count], count);
    }
    for (size_t index = heap->group_count; index-- > 1;)
        if (marks[index])
            marks[heap->groups[index].parent] = 1;
    marks[0] = 1;
    return marks;
}
