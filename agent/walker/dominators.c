/* Computes what each node alone keeps alive: its retained size, from the dominator tree.

   The dominators are found as in Lengauer and Tarjan (1979), simple version. Nodes have the numbers
   of a depth-first order here, in which the root is 0. Nothing recurses: a linked list of a million
   entries is a million levels deep. */
#include "heap.h"

typedef struct {
    Heap *heap;
    uint32_t count;
    uint32_t *node;     /* by number */
    uint32_t *number;   /* by node */
    uint32_t *ancestor; /* at first the parent in the depth-first tree; later shortened */
    uint32_t *entry;    /* the predecessor in the breadth-first tree */
    uint32_t *begin;    /* of its other predecessors */
    uint32_t *others;
    uint32_t *semi, *label, *bucket, *dominator;
    Numbers path;
} Tree;

static uint32_t *allocate_array(uint32_t count)
{
    return allocate(((size_t)count + 1) * sizeof(uint32_t));
}

static void release_array(uint32_t **at, size_t count)
{
    release(*at, (count + 1) * sizeof(uint32_t));
    *at = NULL;
}

enum { CROSSING = 1u << 31 };

/* Returns the next node that *node* leads to, by its *cursor*; `NO_NODE` after the last. */
static uint32_t next_of(Heap *heap, uint32_t node, uint32_t *cursor)
{
    if (!(*cursor & CROSSING)) {
        uint32_t child = *cursor ? *cursor : heap->first.at[node];
        if (child < nodes(heap) && heap->parent.at[child] == node) {
            *cursor = child + 1;
            return child;
        }
        *cursor = heap->from.at[node] | CROSSING;
    }
    uint32_t index = *cursor & ~CROSSING;
    if (index >= heap->from.at[node + 1])
        return NO_NODE;
    ++*cursor;
    return heap->cross.at[index];
}

static void visit(Tree *tree, uint32_t node, uint32_t parent)
{
    tree->number[node] = tree->count;
    tree->node[tree->count] = node;
    tree->ancestor[tree->count++] = parent;
}

static void number_from(Tree *tree, uint32_t root, uint32_t *cursors)
{
    visit(tree, root, 0);
    for (uint32_t node = root; node;) {
        uint32_t next = next_of(tree->heap, node, &cursors[node]);
        if (next == NO_NODE) {
            node = tree->node[tree->ancestor[tree->number[node]]];
        } else if (!tree->number[next]) {
            visit(tree, next, tree->number[node]);
            node = next;
        }
    }
}

static void number_all(Tree *tree)
{
    Heap *heap = tree->heap;
    uint32_t count = nodes(heap);
    if (heap->cross.length >= CROSSING || count >= CROSSING)
        exit_child(TOO_MANY);
    tree->node = allocate_array(count);
    tree->number = allocate_array(count);
    tree->ancestor = allocate_array(count);
    uint32_t *cursors = allocate_array(count);
    tree->count = 1;
    for (uint32_t node = 1; node < count; node++)
        if (!heap->parent.at[node])
            number_from(tree, node, cursors);
    release_array(&cursors, count);
}

/* Reverses the edges: each node then has a list of the nodes that refer to it. */
static void reverse_edges(Tree *tree)
{
    Heap *heap = tree->heap;
    uint32_t count = tree->count;
    tree->begin = allocate_array(count + 1);
    tree->others = allocate_array((uint32_t)heap->cross.length);
    for (size_t edge = 0; edge < heap->cross.length; edge++)
        tree->begin[tree->number[heap->cross.at[edge]] + 1]++;
    for (uint32_t index = 0; index < count; index++)
        tree->begin[index + 1] += tree->begin[index];
    for (uint32_t node = 0; node < count; node++)
        for (uint32_t edge = heap->from.at[node]; edge < heap->from.at[node + 1]; edge++) {
            uint32_t target = tree->number[heap->cross.at[edge]];
            tree->others[tree->begin[target]++] = tree->number[node];
        }
    for (uint32_t index = count; index > 0; index--)
        tree->begin[index] = tree->begin[index - 1];
    tree->begin[0] = 0;
    numbers_free(&heap->cross);
    numbers_free(&heap->from);
    numbers_free(&heap->first);
    tree->entry = allocate_array(count);
    for (uint32_t index = 1; index < count; index++)
        tree->entry[index] = tree->number[heap->parent.at[tree->node[index]]];
    numbers_free(&heap->parent);
    release_array(&tree->number, count);
}

/* Returns the node with the lowest semidominator on the path up from *index*, through linked nodes:
   those from *linked* on. */
static uint32_t lowest_label(Tree *tree, uint32_t index, uint32_t linked)
{
    if (index < linked)
        return index;
    uint32_t *ancestor = tree->ancestor, *label = tree->label;
    tree->path.length = 0;
    for (uint32_t at = index; ancestor[at] >= linked; at = ancestor[at])
        push(&tree->path, at);
    while (tree->path.length) {
        uint32_t at = tree->path.at[--tree->path.length];
        uint32_t above = ancestor[at];
        if (tree->semi[label[above]] < tree->semi[label[at]])
            label[at] = label[above];
        ancestor[at] = ancestor[above];
    }
    return label[index];
}

static void lower_semi(Tree *tree, uint32_t index, uint32_t before)
{
    uint32_t semi = tree->semi[lowest_label(tree, before, index + 1)];
    if (semi < tree->semi[index])
        tree->semi[index] = semi;
}

static void dominate(Tree *tree)
{
    uint32_t count = tree->count;
    tree->semi = allocate_array(count);
    tree->label = allocate_array(count);
    tree->bucket = allocate_array(count);
    tree->dominator = allocate_array(count);
    for (uint32_t index = 0; index < count; index++)
        tree->semi[index] = tree->label[index] = index;
    for (uint32_t index = count - 1; index > 0; index--) {
        uint32_t parent = tree->ancestor[index];
        lower_semi(tree, index, tree->entry[index]);
        for (uint32_t edge = tree->begin[index]; edge < tree->begin[index + 1]; edge++)
            lower_semi(tree, index, tree->others[edge]);
        tree->dominator[index] = tree->bucket[tree->semi[index]];
        tree->bucket[tree->semi[index]] = index;
        for (uint32_t node = tree->bucket[parent], next; node; node = next) {
            next = tree->dominator[node];
            uint32_t lowest = lowest_label(tree, node, index);
            tree->dominator[node] = tree->semi[lowest] < tree->semi[node] ? lowest : parent;
        }
        tree->bucket[parent] = 0;
    }
    for (uint32_t index = 1; index < count; index++)
        if (tree->dominator[index] != tree->semi[index])
            tree->dominator[index] = tree->dominator[tree->dominator[index]];
}

/* Adds what nodes retain to their groups. A node that another of its group retains counts once. */
static void add_to_groups(Tree *tree, uint32_t *retained)
{
    Heap *heap = tree->heap;
    uint32_t count = tree->count, *below = tree->bucket, *beside = tree->label;
    for (uint32_t index = 0; index < count; index++)
        below[index] = 0;
    for (uint32_t index = count - 1; index > 0; index--) {
        beside[index] = below[tree->dominator[index]];
        below[tree->dominator[index]] = index;
    }
    for (uint32_t index = 0;;) {
        uint32_t child = below[index];
        if (child) {
            below[index] = beside[child];
            Group *group = &heap->groups[heap->group.at[tree->node[child]]];
            if (!group->open++)
                group->retained += retained[child];
            index = child;
        } else if (index) {
            heap->groups[heap->group.at[tree->node[index]]].open--;
            index = tree->dominator[index];
        } else {
            return;
        }
    }
}

/* Computes what the nodes of each group retain. The edges are gone afterwards. */
void compute_retained(Heap *heap)
{
    Tree tree = {.heap = heap};
    release(heap->address, heap->room * sizeof(PyObject *));
    release(heap->table, heap->slots * sizeof(uint32_t));
    number_all(&tree);
    reverse_edges(&tree);
    dominate(&tree);
    uint32_t *retained = tree.semi;
    for (uint32_t index = 0; index < tree.count; index++)
        retained[index] = heap->size.at[tree.node[index]];
    for (uint32_t index = tree.count - 1; index > 0; index--)
        retained[tree.dominator[index]] += retained[index];
    add_to_groups(&tree, retained);
}
