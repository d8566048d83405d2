/* What the walk knows of a heap: nodes, the edges between them, and groups of alike nodes.

   A node is an object that others may share or that leads on. A string, bytes or number with a
   single reference needs none: its weight is added to its holder's. */
#ifndef BUGSLY_HEAP_H
#define BUGSLY_HEAP_H

#include "pages.h"
#include "python.h"

/* How a step leads from one object to the next. The numbers are those of walk_result.py. */
enum How {
    ROOT,      /* a module, by name; a call that goes on; or the collector's lists alone */
    ATTRIBUTE, /* of an instance, a class or a module */
    KEY,       /* of a small dictionary, a plain word */
    ENTRY,     /* of a container, whichever */
    CLOSURE,   /* a name that a function encloses */
    DEFAULT,   /* the default of a parameter */
    LOCAL,     /* a local name of a call */
    THREAD,    /* what one thread keeps in a threading.local */
    NAMES,     /* the dictionary of attributes: part of its owner */
    BODY,      /* where an object keeps its entries: part of its owner */
    THREADS,   /* the dictionaries of all threads: part of a threading.local */
    CONTENT,   /* of a cell: its name is the cell's */
    INNER,     /* what C code keeps without a name for it */
    KEYS,      /* a key, as an object */
};

enum Leaf { STR, BYTES, INT, FLOAT, LEAVES };

enum Shape {
    OBJECT,
    LEAF,
    NOTHING, /* None and other singletons, which weigh nothing */
    LIST,
    TUPLE,
    DICT,
    SET,
    DEQUE,
    FUNCTION,
    CELL,
    CODE,
    CLASS,
    MODULE,
    FRAME,
    EXCEPTION,
    TRACEBACK,
    THREAD_LOCAL,
    BYTEARRAY,
    ARRAY,
    BYTES_IO,
    STRING_IO,
};

/* How objects of a type are looked at. */
typedef struct {
    PyTypeObject *type;
    traverseproc traverse; /* for what has no name; NULL where all has */
    uint32_t name;         /* a text */
    uint32_t body;         /* the attribute that holds its entries; a text or 0 */
    uint32_t fields, count; /* named members: pairs of a text and an offset, in Heap.fields */
    uint8_t shape, leaf;
    uint8_t has_names; /* inline values or a dictionary of attributes */
} Kind;

/* Nodes that one reads the same way to. */
typedef struct {
    uint32_t parent, text, type, name; /* a group, and texts */
    uint32_t count;
    uint32_t leaves[LEAVES];
    uint32_t open; /* while dominators are added up */
    uint64_t entries, shallow, retained; /* bytes; retained ones in units */
    uint32_t children;
    uint8_t how, depth;
} Group;

enum { KINDS = 1024, KIND_PAGES = 4096 };
enum { UNIT = 16 }; /* bytes: the grain of sizes */
enum { NO_NODE = 0xffffffffu };

typedef struct {
    /* nodes, by number; 0 is the root above all roots */
    PyObject **address;
    size_t room; /* of address */
    Words group, size, parent, first, from;
    Words cross; /* edges to nodes that were known before, by node that has them */
    /* numbers of nodes with more than one reference, by address */
    uint32_t *table;
    size_t slots, taken;
    /* which addresses with a single reference were met: bits, by region */
    uint8_t **regions;
    /* kinds, by type */
    Kind *kinds[KIND_PAGES]; /* which do not move */
    size_t kind_count;
    uint32_t *kind_table;
    size_t kind_slots;
    Words fields;
    /* groups */
    Group *groups;
    size_t groups_room, group_count;
    uint32_t *group_table;
    size_t group_slots;
    /* texts */
    char *letters;
    size_t letters_room, letters_length;
    Words text_at;
    uint32_t *text_table;
    size_t text_slots;
    struct {
        PyObject *object;
        uint32_t text;
    } recent[4096];
    /* the node that is looked at */
    uint32_t now;
    Kind *kind;
    uint32_t code; /* the name of code objects, which are one with all they are made of */
    /* what is told of the whole */
    uint64_t objects, edges, bytes;
} Heap;

static inline uint32_t nodes(Heap *heap)
{
    return (uint32_t)heap->parent.length;
}

/* A call stands among the nodes, too, though it is no object: its address says so. */
static inline PyObject *as_call(Frame *frame)
{
    return (PyObject *)((uintptr_t)frame | 1);
}

static inline Frame *call_of(PyObject *address)
{
    return (uintptr_t)address & 1 ? (Frame *)((uintptr_t)address - 1) : NULL;
}

static inline Kind *kind_at(Heap *heap, size_t index)
{
    return &heap->kinds[index / KINDS][index % KINDS];
}

/* names.c */
uint32_t text_of(Heap *heap, const char *letters, size_t length);
uint32_t text_of_string(Heap *heap, PyObject *string);
uint32_t word_of(Heap *heap, PyObject *key);
uint32_t type_name(Heap *heap, PyTypeObject *type);
uint32_t dotted(Heap *heap, PyObject *module, PyObject *name);
const char *letters_of(Heap *heap, uint32_t text, size_t *length);

/* kinds.c */
extern traverseproc class_instance_traverse;
Kind *kind_of(Heap *heap, PyTypeObject *type);

/* sizes.c */
size_t size_of(Kind *kind, PyObject *object);

/* groups.c */
uint32_t group_under(Heap *heap, uint32_t parent, enum How how, uint32_t text, Kind *kind,
                     PyObject *object);
uint32_t group_like(Heap *heap, uint32_t parent, enum How how, uint32_t text, uint32_t type,
                    uint32_t name);
int is_part(enum How how);

/* nodes.c */
void heap_begin(Heap *heap);
void reach(Heap *heap, PyObject *object, enum How how, uint32_t text);
void reach_root(Heap *heap, PyObject *object, uint32_t group);
int is_known(Heap *heap, PyObject *object);
uint32_t add_node(Heap *heap, PyObject *object, Kind *kind, uint32_t parent, uint32_t group);

/* edges.c */
void look_into(Heap *heap, uint32_t node);
uint32_t frame_name(Heap *heap, Frame *frame);

/* walk.c */
void walk(Heap *heap, PyObject *roots, int whole);

/* dominators.c */
void add_up(Heap *heap);

/* report.c */
void report(Heap *heap, int descriptor, PyObject *earlier, double walked, double seconds);

#endif
