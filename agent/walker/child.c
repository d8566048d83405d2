/* Starts and reaps the child that walks, so that nothing else in the worker notices it:

   - its end raises no SIGCHLD, so that no supervisor reaps it or is confused;
   - no handler runs that Python or a C library has registered for a fork;
   - it keeps no descriptor of the worker open, so that a client sees its connection close when the
     worker closes it;
   - it runs no signal handler of the worker. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#ifndef __WALL
#define __WALL 0
#endif

enum { MAX_DESCRIPTORS = 1 << 16, NICE = 19 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static pid_t clone_process(void)
{
#ifdef __linux__
    return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
#else
    return fork();
#endif
}

static void close_all_but(int kept)
{
#if defined(__linux__) && defined(SYS_close_range)
    int below = kept ? (int)syscall(SYS_close_range, 0, kept - 1, 0) : 0;
    if (!below && !syscall(SYS_close_range, kept + 1, ~0u, 0))
        return;
#endif
    for (int descriptor = 0; descriptor < MAX_DESCRIPTORS; descriptor++)
        if (descriptor != kept)
            close(descriptor);
}

/* Gives the worker priority, ends the child with it, and has the kernel kill the child first when
   memory runs out. */
static void yield_to_worker(pid_t worker)
{
    setpriority(PRIO_PROCESS, 0, NICE);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != worker)
        exit_child(BROKEN_PIPE);
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        ssize_t written = write(score, "1000", 4);
        (void)written;
        close(score);
    }
#else
    (void)worker;
#endif
}

static _Noreturn void run_child(int descriptor, PyObject *roots, int whole, PyObject *earlier,
                                pid_t worker)
{
    close_all_but(descriptor);
    yield_to_worker(worker);
    static Heap heap;
    double begun = now();
    heap_begin(&heap);
    walk(&heap, roots, whole);
    double walked = now() - begun;
    compute_retained(&heap);
    write_snapshots(&heap, descriptor, earlier, walked, now() - begun);
    _exit(0);
}

/* Returns the pid of a child that walks and writes to *descriptor*; -1 with errno if there is none.
   Puts the seconds that the worker stood still into *pause*. */
pid_t start_child(int descriptor, PyObject *roots, int whole, PyObject *earlier, double *pause)
{
    sigset_t all, before;
    sigfillset(&all);
    pid_t worker = getpid();
    pthread_sigmask(SIG_SETMASK, &all, &before);
    double begun = now();
    pid_t child = clone_process();
    if (!child)
        run_child(descriptor, roots, whole, earlier, worker);
    int error = errno;
    *pause = now() - begun;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return child;
}

/* Returns 1 and the wait *status* if the child has ended, 0 if it runs, -1 if there is none. */
int reap_child(pid_t child, int *status)
{
    pid_t found = waitpid(child, status, WNOHANG | __WALL);
    return found == child ? 1 : found == 0 ? 0 : -1;
}
