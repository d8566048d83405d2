/* The child that walks. It is made so that nobody else in the worker learns of it:

   no SIGCHLD, so that no watcher of children reaps it or is confused; none of the handlers that
   Python and C libraries run at a fork; no descriptor of the worker's kept open, so that a client
   sees its connection close when the worker closes it; no signal handler of the worker's run. */
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

enum { MOST_DESCRIPTORS = 1 << 16, NICE = 19 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static pid_t split(void)
{
#ifdef __linux__
    return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
#else
    return fork();
#endif
}

static void close_but(int kept)
{
#if defined(__linux__) && defined(SYS_close_range)
    int below = kept ? (int)syscall(SYS_close_range, 0, kept - 1, 0) : 0;
    if (!below && !syscall(SYS_close_range, kept + 1, ~0u, 0))
        return;
#endif
    for (int descriptor = 0; descriptor < MOST_DESCRIPTORS; descriptor++)
        if (descriptor != kept)
            close(descriptor);
}

/* Lets the kernel take this process first, and the worker never wait for it. */
static void stand_back(pid_t worker)
{
    setpriority(PRIO_PROCESS, 0, NICE);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != worker)
        give_up(BROKEN_PIPE);
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        ssize_t told = write(score, "1000", 4);
        (void)told;
        close(score);
    }
#else
    (void)worker;
#endif
}

static _Noreturn void live(int descriptor, PyObject *roots, int whole, PyObject *earlier,
                           pid_t worker)
{
    close_but(descriptor);
    stand_back(worker);
    static Heap heap;
    double begun = now();
    heap_begin(&heap);
    walk(&heap, roots, whole);
    double walked = now() - begun;
    add_up(&heap);
    report(&heap, descriptor, earlier, walked, now() - begun);
    _exit(0);
}

/* Returns the pid of a child that walks and tells *descriptor*, -1 with errno where none is to be
   had; in *pause* the seconds that it took. */
pid_t send_child(int descriptor, PyObject *roots, int whole, PyObject *earlier, double *pause)
{
    sigset_t all, before;
    sigfillset(&all);
    pid_t worker = getpid();
    pthread_sigmask(SIG_SETMASK, &all, &before);
    double begun = now();
    pid_t child = split();
    if (!child)
        live(descriptor, roots, whole, earlier, worker);
    int error = errno;
    *pause = now() - begun;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return child;
}

/* Returns 1 with the *status* of a child that has ended, else 0; -1 where there is none. */
int reap_child(pid_t child, int *status)
{
    pid_t found = waitpid(child, status, WNOHANG | __WALL);
    return found == child ? 1 : found == 0 ? 0 : -1;
}
