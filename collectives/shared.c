/* SPDX-License-Identifier: BSD-3-Clause */
/* Meetings, slots and buffers in shared memory. */
#include "collectives/shared.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/simd.h"
#include "collectives/hosts.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define PAUSE() _mm_pause()
#else
#define PAUSE() atomic_signal_fence(memory_order_seq_cst)
#endif

/* A rank that waits looks some times in the hope that the others run on other cores, then leaves its core to
 * them; now and then MPI gets its turn, because the one that is waited for may itself wait for a message. How
 * often it looks follows from whether looking has helped before: where others want its core, little. */
enum { FEWEST_LOOKS = 20, MOST_LOOKS = 4000, YIELDS_PER_PROBE = 16 };

enum { LINE = 128 }; /* two cache lines: processors fetch them in pairs */

/* A place in a buffer of muir_coll_alloc. */
typedef struct place {
    uint64_t offset; /* [byte] from the start of the owner's part */
    uint32_t buffer; /* serial number, 0: none */
} place;

/* What a rank shows the others, at the start of its part; written by its owner only. */
typedef struct board {
    _Alignas(LINE) atomic_uint n_met; /* meetings it has come to */
    _Alignas(LINE) struct {
        place send, recv;
    } at[2]; /* by turn */
} board;

typedef struct buffer {
    struct buffer *next;
    muir_shm shm; /* base NULL: own memory of this rank only */
    char *own;
    uint32_t serial;
} buffer;

struct muir_shared {
    muir_shm shm;
    MPI_Comm comm; /* borrowed from the owner of this */
    int rank, size;
    int n_looks, most_looks; /* before the core is left to others */
    unsigned n_met;
    uint32_t n_buffers_made;
    buffer *buffers; /* latest first */
};

static size_t made_bytes(int p)
{
    return (MUIR_SHARED_SLOT / (size_t)p / LINE + 1) * LINE;
}

size_t muir_shared_bytes(int p)
{
    return sizeof(board) + 2 * (MUIR_SHARED_SLOT + made_bytes(p));
}

static board *board_of(const muir_shared *shared, int rank)
{
    return (board *)(void *)(shared->shm.base + (size_t)rank * shared->shm.part_bytes);
}

char *muir_shared_slot(const muir_shared *shared, int rank, unsigned turn, muir_shared_slot_kind kind)
{
    const size_t given = MUIR_SHARED_SLOT, made = made_bytes(shared->size);
    char *slots = (char *)board_of(shared, rank) + sizeof(board);
    return kind == MUIR_SHARED_GIVEN ? slots + turn * given : slots + 2 * given + turn * made;
}

unsigned muir_shared_next_turn(const muir_shared *shared)
{
    return (shared->n_met + 1) % 2;
}

bool muir_shared_has_buffers(const muir_shared *shared)
{
    return shared->buffers != NULL;
}

/* Numbers may wrap round. */
static bool has_come(const atomic_uint *n_met, unsigned number)
{
    return (int)(atomic_load_explicit(n_met, memory_order_acquire) - number) >= 0;
}

static muir_status wait_for(muir_ctx *ctx, muir_shared *shared, int rank, unsigned number)
{
    muir_status st = MUIR_OK;
    const atomic_uint *n_met = &board_of(shared, rank)->n_met;
    if (has_come(n_met, number)) return MUIR_OK;
    for (int i = 0; i < shared->n_looks; i++) {
        PAUSE();
        if (!has_come(n_met, number)) continue;
        const int more = shared->n_looks + shared->n_looks / 4;
        shared->n_looks = more < shared->most_looks ? more : shared->most_looks;
        return MUIR_OK;
    }
    shared->n_looks = shared->n_looks / 2 > FEWEST_LOOKS ? shared->n_looks / 2 : FEWEST_LOOKS;
    for (unsigned i = 1; !has_come(n_met, number); i++) {
        int is_there;
        sched_yield();
        if (i % YIELDS_PER_PROBE == 0)
            MUIR_TRY_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, shared->comm, &is_there, MPI_STATUS_IGNORE));
    }
done:
    return st;
}

muir_status muir_shared_meet(muir_ctx *ctx, muir_shared *shared)
{
    const unsigned number = ++shared->n_met;
    muir_status st = MUIR_OK;
    atomic_store_explicit(&board_of(shared, shared->rank)->n_met, number, memory_order_release);
    for (int i = 1; i < shared->size && st == MUIR_OK; i++)
        st = wait_for(ctx, shared, (shared->rank + i) % shared->size, number);
    return st;
}

static place place_of(const muir_shared *shared, const void *data)
{
    const uintptr_t at = (uintptr_t)data;
    for (const buffer *b = shared->buffers; b; b = b->next)
        if (b->shm.base && at - (uintptr_t)b->own < b->shm.part_bytes)
            return (place){at - (uintptr_t)b->own, b->serial};
    return (place){0, 0};
}

static char *address_of(const muir_shared *shared, int rank, place at)
{
    for (const buffer *b = shared->buffers; b && at.buffer; b = b->next)
        if (b->serial == at.buffer) return b->shm.base + (size_t)rank * b->shm.part_bytes + at.offset;
    return NULL;
}

muir_status muir_shared_meet_at(muir_ctx *ctx, muir_shared *shared, const void *send, void *recv,
                                const char **sends, char **recvs)
{
    const unsigned turn = muir_shared_next_turn(shared);
    board *mine = board_of(shared, shared->rank);
    mine->at[turn].send = place_of(shared, send);
    mine->at[turn].recv = place_of(shared, recv);
    const muir_status st = muir_shared_meet(ctx, shared);
    if (st != MUIR_OK) return st;
    for (int r = 0; r < shared->size; r++) {
        sends[r] = address_of(shared, r, board_of(shared, r)->at[turn].send);
        recvs[r] = address_of(shared, r, board_of(shared, r)->at[turn].recv);
    }
    return MUIR_OK;
}

/* Whether the cores on which the ranks may run, all taken together, are fewer than the ranks. */
static muir_status is_crowded(muir_ctx *ctx, const muir_coll_comm *comm, bool *out)
{
    muir_status st = MUIR_OK;
    cpu_set_t cores, mine;
    CPU_ZERO(&mine);
    CPU_ZERO(&cores);
    sched_getaffinity(0, sizeof mine, &mine); /* more than CPU_SETSIZE cores: none, hence crowded */
    MUIR_TRY_MPI(MPI_Allreduce(&mine, &cores, sizeof mine, MPI_BYTE, MPI_BOR, comm->comm));
    *out = CPU_COUNT(&cores) < comm->size;
done:
    return st;
}

muir_status muir_shared_create(muir_ctx *ctx, const muir_coll_comm *comm, muir_shared **out, char *why)
{
    muir_status st = MUIR_OK;
    muir_shared *shared = NULL;
    bool is_tight = false;
    const size_t bytes = muir_shared_bytes(comm->size);

    if (comm->size == 1) return MUIR_OK;
    if (comm->hosts) {
        static const char text[] = "the ranks are not all on one host";
        memcpy(why, text, sizeof text);
        return MUIR_OK;
    }
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *shared, "shared memory", &shared));
    shared->comm = comm->comm;
    shared->rank = comm->rank;
    shared->size = comm->size;
    MUIR_TRY(is_crowded(ctx, comm, &is_tight));
    shared->n_looks = shared->most_looks = is_tight ? FEWEST_LOOKS : MOST_LOOKS;
    MUIR_TRY(muir_shm_create(ctx, comm->comm, bytes, &shared->shm, why));
done:
    if (st != MUIR_OK || !shared || !shared->shm.base)
        muir_shared_destroy(&shared);
    else
        *out = shared;
    return st;
}

void muir_shared_destroy(muir_shared **shared)
{
    if (!*shared) return;
    muir_shm_destroy(&(*shared)->shm);
    free(*shared);
    *shared = NULL;
}

/* What the ranks of the own host share, if they do. */
static muir_shared *shared_of(const muir_coll_comm *comm)
{
    return comm->hosts && comm->hosts->local ? comm->hosts->local->shared : comm->shared;
}

muir_status muir_coll_alloc(muir_ctx *ctx, muir_coll_comm *comm, size_t bytes, void *out)
{
    muir_status st = MUIR_OK;
    muir_shared *shared = shared_of(comm);
    buffer *b = NULL;
    char why[MUIR_SHM_WHY_SIZE]; /* memory of its own will do instead */

    if (!shared) return muir_alloc(ctx, bytes, 1, "a buffer of collectives", out);
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *b, "a buffer of collectives", &b));
    MUIR_TRY(muir_shm_create(ctx, shared->comm, bytes, &b->shm, why));
    if (b->shm.base)
        b->own = b->shm.base + (size_t)shared->rank * b->shm.part_bytes;
    else
        MUIR_TRY(muir_alloc(ctx, bytes, 1, "a buffer of collectives", &b->own));
    b->serial = ++shared->n_buffers_made;
    b->next = shared->buffers;
    shared->buffers = b;
    memcpy(out, &b->own, sizeof b->own);
done:
    if (st != MUIR_OK) free(b);
    return st;
}

void muir_coll_free(muir_coll_comm *comm, void *data)
{
    muir_shared *shared = shared_of(comm);
    if (!shared) {
        free(data);
        return;
    }
    buffer **link = &shared->buffers;
    while (*link && (*link)->own != data) link = &(*link)->next;
    buffer *b = *link;
    if (!b) return;
    *link = b->next;
    if (!b->shm.base) free(b->own);
    muir_shm_destroy(&b->shm);
    free(b);
}
