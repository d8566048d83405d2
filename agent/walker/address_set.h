/* A set of object addresses, one bit each: which objects with a single reference the walk has met.

   A bit stands for 16 bytes, the alignment of objects. The bits of 1 GB of addresses are one
   region, which is allocated when its first address is added. The set takes addresses below 2^48:
   all that Linux and macOS give a process that does not ask for higher ones. */
#ifndef BUGSLY_ADDRESS_SET_H
#define BUGSLY_ADDRESS_SET_H

#include "pages.h"

enum { MAX_ADDRESS_BITS = 48, REGION_BITS = 30,
       REGIONS = 1 << (MAX_ADDRESS_BITS - REGION_BITS) };

typedef struct {
    uint8_t **regions;
} AddressSet;

static inline void address_set_init(AddressSet *set)
{
    set->regions = allocate(REGIONS * sizeof(uint8_t *));
}

static inline size_t byte_in_region(uintptr_t address)
{
    return (address & (((uintptr_t)1 << REGION_BITS) - 1)) >> 7;
}

static inline uint8_t bit_in_byte(uintptr_t address)
{
    return (uint8_t)(1 << (address >> 4 & 7));
}

/* Adds *address* and returns whether it was there before. Ends the child with `HIGH_ADDRESS` for an
   address of more than 48 bits. */
static inline int address_set_add(AddressSet *set, uintptr_t address)
{
    size_t region = address >> REGION_BITS;
    if (region >= REGIONS)
        exit_child(HIGH_ADDRESS);
    if (!set->regions[region])
        set->regions[region] = allocate((size_t)1 << (REGION_BITS - 7));
    uint8_t *byte = &set->regions[region][byte_in_region(address)];
    uint8_t bit = bit_in_byte(address);
    int known = *byte & bit;
    *byte |= bit;
    return known;
}

static inline int address_set_has(const AddressSet *set, uintptr_t address)
{
    size_t region = address >> REGION_BITS;
    const uint8_t *bytes = region < REGIONS ? set->regions[region] : NULL;
    return bytes && bytes[byte_in_region(address)] & bit_in_byte(address);
}
#endif
