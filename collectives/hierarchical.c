/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives in two levels: through shared memory inside a host, by the cheapest step list between hosts.
 * Every rank owns a share and carries it over the network, so all of a host's links and cores have work;
 * there is no leader.
 *
 * Between hosts, a share is a collective of its own among the ranks of equal place on their hosts. Where
 * hosts differ in their ranks, all_reduce and broadcast have as many shares as the smallest has ranks. */
#include <stdlib.h>

#include "base/mem.h"
#include "collectives/hosts.h"
#include "collectives/op.h"
#include "collectives/shared_call.h"

/* What a message costs besides its bytes, in bytes that could have gone instead: 25 us at 2.5 GB/s through a
 * kernel's TCP, 2 us at 32 GB/s between adapters. */
enum { MESSAGE_BYTES = 64 * 1024 };

/* op->own of these rows; the three parts, any of which a rank may not have. */
typedef struct hierarchy {
    muir_coll_op *before; /* reduce_scatter, or broadcast, on the own host */
    muir_coll_op *across; /* the collective itself, of the own share */
    muir_coll_op *after;  /* all_gather on the own host */
    muir_shared_cut before_cut, after_cut;
    int *part;    /* [passes,ranks of the host] of both cuts */
    size_t n;     /* own share [elements] */
    size_t first; /* where it begins */
    char *shares; /* what a rank owns of reduce_scatter and all_gather, a block for each host */
} hierarchy;

static const char *why_not(const muir_coll_comm *comm)
{
    return comm->why_not_hierarchical[0] ? comm->why_not_hierarchical : NULL;
}

static const char *why_not_even(const muir_coll_comm *comm)
{
    const char *why = why_not(comm);
    if (why) return why;
    return comm->hosts->fewest == comm->hosts->most ? NULL : "the hosts have different numbers of ranks";
}

/* The step list that takes least on p ranks by the alpha-beta model. */
static const muir_coll *cheapest(muir_coll_kind kind, int p, const muir_coll_spec *spec)
{
    const muir_coll *best = NULL;
    const double bytes = (double)(spec->count * muir_dtype_bytes(spec->dtype));
    double least = 0.0;
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        double rounds, sent;
        if (coll->kind != kind || !coll->traffic || !muir_coll_fits(coll, p)) continue;
        if (spec->wire != MUIR_WIRE_PLAIN && !coll->may_narrow) continue;
        coll->traffic(p, bytes, &rounds, &sent);
        if (best && rounds * MESSAGE_BYTES + sent >= least) continue;
        best = coll;
        least = rounds * MESSAGE_BYTES + sent;
    }
    return best;
}

/* A part on the own host. */
static muir_status create_inside(muir_ctx *ctx, const muir_coll_op *op, muir_coll_kind kind, int root,
                                 const muir_shared_cut *cut, muir_coll_op **out)
{
    muir_coll_spec spec = op->spec;
    spec.root = root;
    spec.wire = MUIR_WIRE_PLAIN;
    return muir_coll_op_create_cut(ctx, op->comm->hosts->local, muir_coll_find(kind, "shared"), &spec, cut,
                                   out);
}

/* The part between the hosts, of n elements. */
static muir_status create_across(muir_ctx *ctx, const muir_coll_op *op, size_t n, int root,
                                 muir_coll_op **out)
{
    muir_coll_comm *peers = op->comm->hosts->peers;
    muir_coll_spec spec = op->spec;
    spec.count = n;
    spec.root = root;
    return muir_coll_op_create(ctx, peers, cheapest(op->coll->kind, peers->size, &spec), &spec, out);
}

static int place_of(const muir_coll_op *op)
{
    return op->comm->hosts->place_of[op->comm->rank];
}

/* One share for each rank of the smallest host; ranks beyond that own none. */
static muir_status create_shares(muir_ctx *ctx, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    const muir_hosts *hosts = op->comm->hosts;
    const int size = hosts->local->size;
    hierarchy *h = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *h + (size_t)size * sizeof(int), "a hierarchical collective", &h));
    op->own = h;
    h->part = (int *)(h + 1);
    for (int r = 0; r < size; r++) h->part[r] = r < hosts->fewest ? r : -1;
    h->before_cut = (muir_shared_cut){hosts->fewest, 1, h->part, true};
    h->after_cut = (muir_shared_cut){hosts->fewest, 1, h->part, false};
    h->first = op->spec.count;
    if (place_of(op) < hosts->fewest)
        muir_coll_block(op->spec.count, hosts->fewest, place_of(op), &h->first, &h->n);
done:
    return st;
}

static muir_status prepare_all_reduce(muir_ctx *ctx, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(create_shares(ctx, op));
    hierarchy *h = op->own;
    MUIR_TRY(create_inside(ctx, op, MUIR_REDUCE_SCATTER, 0, &h->before_cut, &h->before));
    if (place_of(op) < op->comm->hosts->fewest) MUIR_TRY(create_across(ctx, op, h->n, 0, &h->across));
    MUIR_TRY(create_inside(ctx, op, MUIR_ALL_GATHER, 0, &h->after_cut, &h->after));
done:
    return st;
}

static muir_status run_all_reduce(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const hierarchy *h = op->own;
    char *share = (char *)recv + h->first * op->element_bytes;
    MUIR_TRY(muir_coll_run(ctx, h->before, send, share));
    if (h->across) MUIR_TRY(muir_coll_run(ctx, h->across, share, share));
    MUIR_TRY(muir_coll_run(ctx, h->after, share, recv));
done:
    return st;
}

/* The root's host takes the vector whole; each of its ranks sends its share to the other hosts. */
static muir_status prepare_broadcast(muir_ctx *ctx, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    const muir_hosts *hosts = op->comm->hosts;
    const int root = op->spec.root, place = place_of(op), rank = op->comm->rank;
    int root_s_peer = 0;
    MUIR_TRY(create_shares(ctx, op));
    hierarchy *h = op->own;
    if (place < hosts->fewest) {
        while (hosts->host_of[muir_hosts_rank(hosts, op->comm->size, place, root_s_peer)] !=
               hosts->host_of[root])
            root_s_peer++;
        MUIR_TRY(create_across(ctx, op, h->n, root_s_peer, &h->across));
    }
    if (hosts->host_of[rank] == hosts->host_of[root])
        MUIR_TRY(create_inside(ctx, op, MUIR_BROADCAST, hosts->place_of[root], NULL, &h->before));
    else
        MUIR_TRY(create_inside(ctx, op, MUIR_ALL_GATHER, 0, &h->after_cut, &h->after));
done:
    return st;
}

static muir_status run_broadcast(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const hierarchy *h = op->own;
    char *share = (char *)recv + h->first * op->element_bytes;
    if (h->before) MUIR_TRY(muir_coll_run(ctx, h->before, send, recv));
    if (h->across) MUIR_TRY(muir_coll_run(ctx, h->across, share, share));
    if (h->after) MUIR_TRY(muir_coll_run(ctx, h->after, share, recv));
done:
    return st;
}

/* A rank owns the blocks of all ranks of its place, one for each host. */
static muir_status create_blocks(muir_ctx *ctx, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    const muir_hosts *hosts = op->comm->hosts;
    const int p = op->comm->size, size = hosts->local->size;
    const size_t n_parts = (size_t)(hosts->n * size);
    hierarchy *h = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *h + n_parts * sizeof(int), "a hierarchical collective", &h));
    op->own = h;
    h->part = (int *)(h + 1);
    for (int k = 0; k < hosts->n; k++)
        for (int place = 0; place < size; place++)
            h->part[k * size + place] = muir_hosts_rank(hosts, p, place, k);
    h->before_cut = h->after_cut = (muir_shared_cut){p, hosts->n, h->part, false};
    for (int k = 0; k < hosts->n; k++) {
        size_t first, n;
        muir_coll_block(op->spec.count, p, h->part[k * size + place_of(op)], &first, &n);
        h->n += n;
    }
    MUIR_TRY(muir_alloc(ctx, h->n, op->element_bytes, "a hierarchical collective", &h->shares));
done:
    return st;
}

/* The blocks that a rank owns are as long as muir_coll_block cuts them: in the order of ranks, the first ones
 * by one element longer. */
static muir_status prepare_reduce_scatter(muir_ctx *ctx, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(create_blocks(ctx, op));
    hierarchy *h = op->own;
    MUIR_TRY(create_inside(ctx, op, MUIR_REDUCE_SCATTER, 0, &h->before_cut, &h->before));
    MUIR_TRY(create_across(ctx, op, h->n, 0, &h->across));
done:
    return st;
}

static muir_status run_reduce_scatter(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const hierarchy *h = op->own;
    MUIR_TRY(muir_coll_run(ctx, h->before, send, h->shares));
    MUIR_TRY(muir_coll_run(ctx, h->across, h->shares, recv));
done:
    return st;
}

static muir_status prepare_all_gather(muir_ctx *ctx, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(create_blocks(ctx, op));
    hierarchy *h = op->own;
    MUIR_TRY(create_across(ctx, op, h->n, 0, &h->across));
    MUIR_TRY(create_inside(ctx, op, MUIR_ALL_GATHER, 0, &h->after_cut, &h->after));
done:
    return st;
}

static muir_status run_all_gather(muir_ctx *ctx, const muir_coll_op *op, const void *send, void *recv)
{
    muir_status st = MUIR_OK;
    const hierarchy *h = op->own;
    const char *from = h->shares;
    MUIR_TRY(muir_coll_run(ctx, h->across, send, h->shares));
    for (int k = 0; k < op->comm->hosts->n; k++) {
        const muir_shared_span block = muir_shared_block(h->after, k, place_of(op));
        muir_shared_copy(op, (char *)recv + block.first * op->element_bytes, from, block.n);
        from += block.n * op->element_bytes;
    }
    MUIR_TRY(muir_coll_run(ctx, h->after, h->shares, recv));
done:
    return st;
}

static void release(muir_coll_op *op)
{
    hierarchy *h = op->own;
    muir_coll_op_destroy(&h->before);
    muir_coll_op_destroy(&h->across);
    muir_coll_op_destroy(&h->after);
    free(h->shares);
}

#define SOURCE                                                                                               \
    "Traeff and Hunold, Decomposing MPI Collectives for Exploiting Multi-lane Communication, IEEE CLUSTER, " \
    "2020"

#define HIERARCHICAL(id, kind_of, why, is_narrow)                                                            \
    const muir_coll muir_coll_##id##_hierarchical = {                                                        \
        .name = "hierarchical",                                                                              \
        .kind = kind_of,                                                                                     \
        .prepare = prepare_##id,                                                                             \
        .run = run_##id,                                                                                     \
        .release = release,                                                                                  \
        .why_not = why,                                                                                      \
        .may_narrow = is_narrow,                                                                             \
        .source = SOURCE,                                                                                    \
    };

HIERARCHICAL(all_reduce, MUIR_ALL_REDUCE, why_not, true)
HIERARCHICAL(reduce_scatter, MUIR_REDUCE_SCATTER, why_not_even, true)
HIERARCHICAL(all_gather, MUIR_ALL_GATHER, why_not_even, true)
HIERARCHICAL(broadcast, MUIR_BROADCAST, why_not, false)
