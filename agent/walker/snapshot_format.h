/* The bytes of a snapshot, which the child writes and walk_result.py in the agent reads.

   A snapshot is a header, then each text as two bytes of length and UTF-8, then rows. All numbers
   are in the byte order of the machine. A row is a group; its parent is an earlier row, and its
   texts are numbered from 1. Row 0 stands above all roots. */
#ifndef BUGSLY_SNAPSHOT_FORMAT_H
#define BUGSLY_SNAPSHOT_FORMAT_H

#include "heap.h"

enum { SNAPSHOT_VERSION = 2, MAX_EARLIER_SNAPSHOTS = 8 };

#define SNAPSHOT_MAGIC "heap"

typedef struct {
    char magic[4];
    uint32_t version;
    uint64_t objects, edges, bytes;
    double walked, seconds;
    uint32_t nodes, texts, groups, utf8; /* utf8: bytes of all texts with their lengths */
} SnapshotHeader;

typedef struct {
    uint32_t parent, text, type, name, count, edge;
    uint32_t leaves[LEAVES];
    uint64_t entries, shallow, retained;
} GroupRow;

_Static_assert(sizeof(SnapshotHeader) == 64, "walk_result.py packs a header into 64 bytes");
_Static_assert(sizeof(GroupRow) == 64, "walk_result.py packs a row into 64 bytes");

/* A snapshot in memory. Texts have the numbers of this heap's text table, parents those of rows. */
typedef struct {
    SnapshotHeader header;
    GroupRow *rows;
    uint32_t *groups; /* for each row: the group of this heap */
} Snapshot;

/* snapshot_reader.c */
const char *check_snapshot(const char *bytes, size_t length);
Snapshot read_snapshot(Heap *heap, const char *checked);

/* growing_groups.c */
uint8_t *find_growing(Heap *heap, const Snapshot *snapshots, size_t count);
#endif
