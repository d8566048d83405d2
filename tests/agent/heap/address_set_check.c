/* Adds one address to an empty address set, for test_addresses.py. Exits with 0 if the set then has
   this address and not the next one, with 1 if not, and with the walker's status if it refuses. */
#include "address_set.h"

#include <stdlib.h>

int main(int count, char **arguments)
{
    AddressSet set;
    uintptr_t address = count > 1 ? (uintptr_t)strtoull(arguments[1], NULL, 0) : 0;
    address_set_init(&set);
    int before = address_set_has(&set, address);
    int first = address_set_add(&set, address), again = address_set_add(&set, address);
    int after = address_set_has(&set, address), next = address_set_has(&set, address ^ 16);
    return before || first || !again || !after || next;
}
