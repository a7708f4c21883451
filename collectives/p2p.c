/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages between two ranks, cut into pieces that MPI can count. */
#include "collectives/p2p.h"

#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"

struct muir_p2p {
    const muir_coll_comm *comm; /* borrowed, outlives the message */
    size_t element_bytes;
    size_t max_count; /* [elements] */
    size_t segment;   /* longest piece [elements] */
    MPI_Datatype type;
    MPI_Request *requests; /* one for each piece of the longest message */
    int n_requests;        /* pieces of the message on its way, 0 where there is none */
};

muir_status muir_p2p_create(muir_ctx *ctx, const muir_coll_comm *comm, muir_dtype dtype, size_t max_count,
                            size_t segment, muir_p2p **out)
{
    muir_status st = MUIR_OK;
    muir_p2p *p2p = NULL;

    MUIR_TRY(muir_alloc(ctx, 1, sizeof *p2p, "a message", &p2p));
    p2p->comm = comm;
    p2p->max_count = max_count;
    p2p->type = muir_coll_mpi_type(dtype);
    p2p->element_bytes = muir_dtype_bytes(dtype);
    p2p->segment = segment && segment < INT_MAX ? segment : INT_MAX;
    const size_t n_pieces = max_count / p2p->segment + 1;
    if (n_pieces > INT_MAX) {
        st = muir_fail(ctx, MUIR_ERR_ARG, "a message of %zu elements in pieces of %zu", max_count,
                       p2p->segment);
        goto done;
    }
    MUIR_TRY(muir_alloc(ctx, n_pieces, sizeof *p2p->requests, "the requests of a message", &p2p->requests));
done:
    if (st != MUIR_OK)
        muir_p2p_destroy(&p2p);
    else
        *out = p2p;
    return st;
}

void muir_p2p_destroy(muir_p2p **p2p)
{
    if (!*p2p) return;
    free((*p2p)->requests);
    free(*p2p);
    *p2p = NULL;
}

static muir_status check(muir_ctx *ctx, const muir_p2p *p2p, const muir_p2p_envelope *envelope, size_t count)
{
    if (p2p->n_requests > 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "a message was started again before it was done");
    if (count > p2p->max_count)
        return muir_fail(ctx, MUIR_ERR_ARG, "a message of %zu elements where %zu were prepared", count,
                         p2p->max_count);
    if (envelope->peer < 0 || envelope->peer >= p2p->comm->size)
        return muir_fail(ctx, MUIR_ERR_ARG, "peer %d is not one of the %d ranks", envelope->peer,
                         p2p->comm->size);
    if (envelope->microbatch < 0)
        return muir_fail(ctx, MUIR_ERR_ARG, "microbatch %d is negative", envelope->microbatch);
    return MUIR_OK;
}

static int tag_of(const muir_p2p_envelope *envelope)
{
    return (int)envelope->tag + envelope->microbatch % MUIR_TAG_BAND;
}

/* Length of the piece that starts at element `first`. */
static int piece_at(const muir_p2p *p2p, size_t count, size_t first)
{
    return (int)(count - first < p2p->segment ? count - first : p2p->segment);
}

muir_status muir_p2p_start_send(muir_ctx *ctx, muir_p2p *p2p, const muir_p2p_envelope *envelope,
                                const void *data, size_t count)
{
    muir_status st = MUIR_OK;
    const MPI_Comm comm = p2p->comm->comm;
    MUIR_TRY(check(ctx, p2p, envelope, count));
    for (size_t first = 0; first < count; first += p2p->segment) {
        const char *at = (const char *)data + first * p2p->element_bytes;
        MUIR_TRY_MPI(MPI_Isend(at, piece_at(p2p, count, first), p2p->type, envelope->peer, tag_of(envelope),
                               comm, &p2p->requests[p2p->n_requests]));
        p2p->n_requests++;
    }
done:
    return st;
}

muir_status muir_p2p_start_recv(muir_ctx *ctx, muir_p2p *p2p, const muir_p2p_envelope *envelope, void *data,
                                size_t count)
{
    muir_status st = MUIR_OK;
    const MPI_Comm comm = p2p->comm->comm;
    MUIR_TRY(check(ctx, p2p, envelope, count));
    for (size_t first = 0; first < count; first += p2p->segment) {
        char *at = (char *)data + first * p2p->element_bytes;
        MUIR_TRY_MPI(MPI_Irecv(at, piece_at(p2p, count, first), p2p->type, envelope->peer, tag_of(envelope),
                               comm, &p2p->requests[p2p->n_requests]));
        p2p->n_requests++;
    }
done:
    return st;
}

muir_status muir_p2p_test(muir_ctx *ctx, muir_p2p *p2p, bool *is_done)
{
    muir_status st = MUIR_OK;
    int is_through = 0;
    MUIR_TRY_MPI(MPI_Testall(p2p->n_requests, p2p->requests, &is_through, MPI_STATUSES_IGNORE));
    if (is_through) p2p->n_requests = 0;
    *is_done = is_through;
done:
    return st;
}

muir_status muir_p2p_wait(muir_ctx *ctx, muir_p2p *p2p)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_coll_wait_all(ctx, p2p->n_requests, p2p->requests));
    p2p->n_requests = 0;
done:
    return st;
}
