/* The graph that the walk builds: nodes, the edges between them, and groups of similar nodes.

   A node is an object that others may share or that refers to others. A string, bytes or number
   with a single reference needs no node: its size is added to its holder's. */
#ifndef BUGSLY_HEAP_H
#define BUGSLY_HEAP_H

#include "address_set.h"
#include "pages.h"
#include "python_frames.h"
#include "python_versions.h"

/* How an edge leads from one object to the next. The numbers are those of walk_result.py. */
enum EdgeKind {
    ROOT,      /* a module, by name; a running call; or one of root_names.h */
    ATTRIBUTE, /* of an instance, a class or a module */
    KEY,       /* of a small dictionary, if the key is a plain word */
    ENTRY,     /* any entry of a container */
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
    SINGLETON, /* None and the like, which are not counted */
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

/* How the walk reads the objects of a type. A text is a number of the text table; 0 is the empty
   text. */
typedef struct {
    PyTypeObject *type;
    traverseproc traverse; /* finds what has no name; NULL if everything has one */
    uint32_t name;         /* a text */
    uint32_t body;         /* the attribute that holds its entries; a text or 0 */
    uint32_t fields, field_count; /* named members: pairs of a text and an offset, in Heap.fields */
    uint8_t shape, leaf;
    uint8_t has_attributes; /* inline values or a dictionary of attributes */
} TypeInfo;

/* Nodes with the same path, as a person would write it. */
typedef struct {
    uint32_t parent, text, type, name; /* a group, and texts */
    uint32_t count;
    uint32_t leaves[LEAVES];
    uint32_t open; /* nodes of the group above the current one, while retained sizes are added up */
    uint64_t entries, shallow, retained; /* shallow in bytes, retained in units */
    uint32_t children;
    uint8_t edge, depth;
} Group;

enum { TYPES_PER_PAGE = 1024, TYPE_PAGES = 4096, RECENT_TEXTS = 4096 };
enum { UNIT = 16 }; /* bytes: sizes of nodes are rounded up to it */
enum { NO_NODE = 0xffffffffu };

typedef struct {
    /* nodes, by number; node 0 is above all roots */
    PyObject **address;
    size_t room; /* of address */
    Numbers group, size, parent;
    Numbers first, from; /* of each node: its first child, and where its edges in *cross* begin */
    Numbers cross;       /* edges to nodes that were known already */
    /* objects with more than one reference: the number of the node, by address */
    uint32_t *table;
    size_t slots, taken;
    /* objects with a single reference */
    AddressSet met;
    /* types; their entries never move */
    TypeInfo *types[TYPE_PAGES];
    size_t type_count;
    uint32_t *type_table;
    size_t type_slots;
    Numbers fields;
    /* groups */
    Group *groups;
    size_t groups_room, group_count;
    uint32_t *group_table;
    size_t group_slots;
    /* texts */
    char *utf8;
    size_t utf8_room, utf8_used;
    Numbers text_offsets;
    uint32_t *text_table;
    size_t text_slots;
    struct {
        PyObject *object;
        uint32_t text;
    } recent[RECENT_TEXTS];
    /* the node whose edges are being followed */
    uint32_t current;
    TypeInfo *info;
    uint32_t code; /* name of the type of code objects, whose parts are in their group */
    /* totals */
    uint64_t objects, edges, bytes;
} Heap;

static inline uint32_t nodes(Heap *heap)
{
    return (uint32_t)heap->parent.length;
}

/* A running call is a node, too, though it is no object. The lowest bit of its address says so. */
static inline PyObject *as_call(Frame *frame)
{
    return (PyObject *)((uintptr_t)frame | 1);
}

static inline Frame *call_of(PyObject *address)
{
    return (uintptr_t)address & 1 ? (Frame *)((uintptr_t)address - 1) : NULL;
}

static inline TypeInfo *type_info_at(Heap *heap, size_t index)
{
    return &heap->types[index / TYPES_PER_PAGE][index % TYPES_PER_PAGE];
}

/* text_table.c */
uint32_t intern(Heap *heap, const char *utf8, size_t length);
uint32_t intern_string(Heap *heap, PyObject *string);
uint32_t intern_key(Heap *heap, PyObject *key);
uint32_t type_name(Heap *heap, PyTypeObject *type);
uint32_t dotted_name(Heap *heap, PyObject *module, PyObject *name);
const char *utf8_of(Heap *heap, uint32_t text, size_t *length);

/* types.c */
extern traverseproc class_instance_traverse;
TypeInfo *type_info(Heap *heap, PyTypeObject *type);

/* sizes.c */
size_t size_of(TypeInfo *info, PyObject *object);

/* groups.c */
uint32_t group_under(Heap *heap, uint32_t parent, enum EdgeKind edge, uint32_t text, TypeInfo *info,
                     PyObject *object);
uint32_t group_like(Heap *heap, uint32_t parent, enum EdgeKind edge, uint32_t text, uint32_t type,
                    uint32_t name);
int is_part(enum EdgeKind edge);

/* nodes.c */
void heap_begin(Heap *heap);
void add_edge(Heap *heap, PyObject *object, enum EdgeKind edge, uint32_t text);
void add_root(Heap *heap, PyObject *object, uint32_t group);
int is_known(Heap *heap, PyObject *object);
uint32_t add_node(Heap *heap, PyObject *object, TypeInfo *info, uint32_t parent, uint32_t group);

/* edges.c */
void follow_edges(Heap *heap, uint32_t node);
uint32_t frame_name(Heap *heap, Frame *frame);

/* walk.c */
void walk(Heap *heap, PyObject *roots, int whole);

/* dominators.c */
void compute_retained(Heap *heap);

/* snapshot_writer.c */
void write_snapshots(Heap *heap, int descriptor, PyObject *earlier, double walked, double seconds);

#endif
