/* SPDX-License-Identifier: BSD-3-Clause */
/* Measuring collectives in turns. */
#include "collectives/measure.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "collectives/shared.h"

enum { MOST_CONTENDERS = 32, MOST_SAMPLES = 7, LEAST_SAMPLES = 3, MOST_CALLS = 20 };

/* A choice should take about this long: a sample is long enough for the clock, and all of them end soon also
 * where a call takes a time slice of the operating system, as when ranks outnumber cores. */
static const double SAMPLE_S = 100e-6, CHOICE_S = 20e-3;

muir_status muir_coll_measure(muir_ctx *ctx, muir_coll_comm *comm, const muir_coll_sample *contenders, int n,
                              int samples, int calls, void *send, void *recv, muir_coll_change change,
                              muir_coll_change after, void *data)
{
    muir_status st = MUIR_OK;
    for (int s = 0; s < samples; s++)
        for (int c = 0; c < n; c++) {
            if (change) change(s, c, data);
            MUIR_TRY_MPI(MPI_Barrier(comm->comm));
            const double start_s = muir_now_s();
            for (int i = 0; i < calls; i++) MUIR_TRY(muir_coll_run(ctx, contenders[c].op, send, recv));
            contenders[c].time_s[s] = (muir_now_s() - start_s) / calls;
            if (after) after(s, c, data);
        }
    for (int c = 0; c < n; c++)
        MUIR_TRY_MPI(
            MPI_Allreduce(MPI_IN_PLACE, contenders[c].time_s, samples, MPI_DOUBLE, MPI_MAX, comm->comm));
done:
    return st;
}

/* Contenders of a choice, with the memory that they need. */
typedef struct choice {
    const muir_coll *coll[MOST_CONTENDERS];
    muir_coll_op *op[MOST_CONTENDERS];
    muir_coll_sample sample[MOST_CONTENDERS];
    double time_s[MOST_CONTENDERS][MOST_SAMPLES];
    int n, samples, calls;
    char *send, *recv;
} choice;

static muir_status enter(muir_ctx *ctx, muir_coll_comm *comm, muir_coll_kind kind, const muir_coll_spec *spec,
                         choice *c)
{
    muir_status st = MUIR_OK;
    size_t n_send = 0, n_recv = 0;
    const size_t width = muir_dtype_bytes(spec->dtype);
    muir_coll_lengths(kind, spec->count, comm->size, comm->rank, &n_send, &n_recv);
    MUIR_TRY(muir_coll_alloc(ctx, comm, n_send * width, &c->send));
    MUIR_TRY(muir_coll_alloc(ctx, comm, n_recv * width, &c->recv));
    for (size_t i = 0; i < muir_coll_count() && c->n < MOST_CONTENDERS; i++) {
        const muir_coll *coll = muir_coll_at(i);
        if (coll->kind != kind) continue;
        if (muir_coll_op_create(ctx, comm, coll, spec, &c->op[c->n]) != MUIR_OK) {
            muir_ctx_clear(ctx); /* not for this type, size or communicator */
            continue;
        }
        c->coll[c->n] = coll;
        c->sample[c->n] = (muir_coll_sample){c->op[c->n], c->time_s[c->n]};
        c->n++;
    }
done:
    return st;
}

/* One call of each to warm up, then as many samples of as many calls as the time allows. */
static muir_status measure(muir_ctx *ctx, muir_coll_comm *comm, choice *c)
{
    muir_status st = MUIR_OK;
    double round_s = 0.0;
    MUIR_TRY(muir_coll_measure(ctx, comm, c->sample, c->n, 1, 1, c->send, c->recv, NULL, NULL, NULL));
    MUIR_TRY(muir_coll_measure(ctx, comm, c->sample, c->n, 1, 1, c->send, c->recv, NULL, NULL, NULL));
    for (int i = 0; i < c->n; i++) round_s += c->time_s[i][0]; /* the same on all ranks */
    const double calls = SAMPLE_S * c->n / round_s, samples = CHOICE_S / round_s;
    c->calls = calls > MOST_CALLS ? MOST_CALLS : calls < 1.0 ? 1 : (int)calls;
    const double rounds = samples / c->calls;
    c->samples = rounds > MOST_SAMPLES ? MOST_SAMPLES : rounds < LEAST_SAMPLES ? LEAST_SAMPLES : (int)rounds;
    MUIR_TRY(muir_coll_measure(ctx, comm, c->sample, c->n, c->samples, c->calls, c->send, c->recv, NULL, NULL,
                               NULL));
done:
    return st;
}

/* The library's own is handicapped in its favour, so that it is left only for a gain. */
static const muir_coll *fastest(choice *c)
{
    const muir_coll *best = NULL;
    double least_s = 0.0;
    for (int i = 0; i < c->n; i++) {
        double time_s = muir_median(c->time_s[i], (size_t)c->samples);
        if (strcmp(c->coll[i]->name, "mpi") == 0) time_s /= 1.03;
        if (best && time_s >= least_s) continue;
        best = c->coll[i];
        least_s = time_s;
    }
    return best;
}

muir_status muir_coll_choose(muir_ctx *ctx, muir_coll_comm *comm, muir_coll_kind kind,
                             const muir_coll_spec *spec, const muir_coll **out)
{
    muir_status st = MUIR_OK;
    choice *c = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *c, "a choice of collectives", &c));
    MUIR_TRY(enter(ctx, comm, kind, spec, c));
    MUIR_TRY(measure(ctx, comm, c));
    const muir_coll *best = fastest(c);
    if (!best)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "no algorithm does %s of %s", muir_coll_kind_name(kind),
                           muir_dtype_name(spec->dtype)));
    *out = best;
done:
    for (int i = 0; c && i < c->n; i++) muir_coll_op_destroy(&c->op[i]);
    if (c) {
        muir_coll_free(comm, c->send);
        muir_coll_free(comm, c->recv);
    }
    free(c);
    return st;
}
