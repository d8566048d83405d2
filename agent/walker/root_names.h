/* Names of the roots that are neither module nor call; walk_result.py repeats those it reads. */
#ifndef BUGSLY_ROOT_NAMES_H
#define BUGSLY_ROOT_NAMES_H

#define HELD "<held by C code>"
#define CYCLES "<cycles>"
#define CLASSES "<classes>"
#define AT_EXIT "<at exit>"
#define THREAD_STATE "<thread state>"
#endif
