/* SPDX-License-Identifier: BSD-3-Clause */
/* POSIX shared memory, made by the first rank and opened by the others. */
#include "collectives/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_SIZE = 64, N_TRIES = 16 };

/* What the first rank tells the others. */
typedef struct offer {
    char name[NAME_SIZE];
    int error; /* errno, 0: made */
} offer;

/* Process numbers may repeat between containers that share memory; the clock tells them apart. */
static int make_object(offer *o)
{
    for (int i = 0; i < N_TRIES; i++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(o->name, sizeof o->name, "/muir.%ld.%lx.%lx", (long)getpid(), (unsigned long)now.tv_sec,
                 (unsigned long)now.tv_nsec);
        const int fd = shm_open(o->name, O_CREAT | O_EXCL | O_RDWR, S_IRUSR | S_IWUSR);
        o->error = fd < 0 ? errno : 0;
        if (o->error != EEXIST) return fd;
    }
    return -1;
}

/* Every rank reserves its own part: it lies near that rank's core, and memory that is short is an error here
 * and not a signal at the first touch. */
static int map_parts(int fd, int rank, muir_shm *shm)
{
    const size_t all = shm->part_bytes * (size_t)shm->n_parts, first = shm->part_bytes * (size_t)rank;
    const int error = posix_fallocate(fd, (off_t)first, (off_t)shm->part_bytes);
    if (error) return error;
    void *base = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) return errno;
    madvise(base, all, MADV_HUGEPAGE); /* a wish: many systems have no huge pages here */
    shm->base = base;
    return 0;
}

muir_status muir_shm_create(muir_ctx *ctx, MPI_Comm comm, size_t bytes, muir_shm *out, char *why)
{
    muir_status st = MUIR_OK;
    muir_shm shm = {NULL, 0, 0};
    offer o = {"", 0};
    int rank = 0, fd = -1, error = 0, worst = 0;
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t part = (bytes / page + 1) * page;

    MUIR_TRY_MPI(MPI_Comm_rank(comm, &rank));
    MUIR_TRY_MPI(MPI_Comm_size(comm, &shm.n_parts));
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &part, 1, MPI_UINT64_T, MPI_MAX, comm));
    shm.part_bytes = part;
    if (rank == 0) fd = make_object(&o);
    MUIR_TRY_MPI(MPI_Bcast(&o, sizeof o, MPI_BYTE, 0, comm));
    error = o.error;
    if (!error && rank > 0) fd = shm_open(o.name, O_RDWR, 0);
    if (!error && fd < 0) error = errno;
    if (!error) error = map_parts(fd, rank, &shm);
    MUIR_TRY_MPI(MPI_Allreduce(&error, &worst, 1, MPI_INT, MPI_MAX, comm));
    if (worst)
        snprintf(why, MUIR_SHM_WHY_SIZE, "no shared memory of %zu bytes a rank: %s", shm.part_bytes,
                 strerror(worst));
done:
    if (rank == 0 && fd >= 0) shm_unlink(o.name);
    if (fd >= 0) close(fd);
    if (st != MUIR_OK || worst) muir_shm_destroy(&shm);
    if (st == MUIR_OK) *out = shm;
    return st;
}

void muir_shm_destroy(muir_shm *shm)
{
    if (shm->base) munmap(shm->base, shm->part_bytes * (size_t)shm->n_parts);
    shm->base = NULL;
}
