/* SPDX-License-Identifier: BSD-3-Clause */
/* Moving on collectives that were started and not waited for. */
#include "host_clock/flights.h"

#include "base/clock.h"

const char *muir_host_progress_text(bool is_overlapped)
{
    return is_overlapped ? "the rank itself, between tiles of products"
                         : "nobody: collectives block, messages wait for the next call of MPI";
}

static void take_off(muir_flights *p, const muir_flight *flight)
{
    int kept = 0;
    for (int i = 0; i < p->n; i++)
        if (p->flying[i] != flight) p->flying[kept++] = p->flying[i];
    p->n = kept;
}

/* One round over all that is on its way. */
static muir_status advance(muir_ctx *ctx, muir_flights *p)
{
    muir_status st = MUIR_OK;
    int is_there = 0;
    for (int i = 0; i < p->n; i++) {
        muir_flight *f = p->flying[i];
        if (f->end_s > 0.0) continue;
        MUIR_TRY(muir_coll_progress(ctx, f->op));
        if (muir_coll_is_done(f->op)) f->end_s = muir_now_s();
    }
    if (p->n == 0)
        MUIR_TRY_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, p->poked, &is_there, MPI_STATUS_IGNORE));
done:
    return st;
}

/* Time in which the rank does nothing for the job but wait for what it hides. */
static void add_exposed(muir_tally *tally, double time_s)
{
    tally->exposed_s += time_s;
    tally->coll_s += time_s;
}

muir_status muir_flights_start(muir_ctx *ctx, muir_flights *p, muir_flight *flight, float *send, float *recv,
                               muir_tally *tally)
{
    muir_status st = MUIR_OK;
    flight->start_s = muir_now_s();
    flight->end_s = 0.0;
    MUIR_TRY(muir_coll_start(ctx, flight->op, send, recv));
    flight->is_flying = true;
    p->flying[p->n++] = flight;
    const double now_s = muir_now_s();
    if (muir_coll_is_done(flight->op)) flight->end_s = now_s;
    add_exposed(tally, now_s - flight->start_s);
done:
    return st;
}

muir_status muir_flights_finish(muir_ctx *ctx, muir_flights *p, muir_flight *flight, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    while (flight->end_s == 0.0) MUIR_TRY(advance(ctx, p));
    add_exposed(tally, muir_now_s() - start_s);
    tally->flight_s += flight->end_s - flight->start_s;
    flight->is_flying = false;
    take_off(p, flight);
done:
    return st;
}

muir_status muir_flights_poll(muir_ctx *ctx, muir_flights *p, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    const bool has_any = p->n > 0;
    MUIR_TRY(advance(ctx, p));
    if (!has_any) return MUIR_OK;
    const double took_s = muir_now_s() - start_s;
    tally->progress_s += took_s;
    add_exposed(tally, took_s);
done:
    return st;
}

muir_status muir_flights_until(muir_ctx *ctx, muir_flights *p, double until_s, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    if (start_s >= until_s) return MUIR_OK;
    while (muir_now_s() < until_s) MUIR_TRY(advance(ctx, p));
    tally->wait_s += muir_now_s() - start_s;
done:
    return st;
}

muir_status muir_flights_land(muir_ctx *ctx, muir_flights *p, muir_tally *tally)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    if (p->n == 0) return MUIR_OK;
    for (int i = 0; i < p->n; i++)
        while (p->flying[i]->end_s == 0.0) MUIR_TRY(advance(ctx, p));
    add_exposed(tally, muir_now_s() - start_s);
done:
    return st;
}

muir_status muir_flights_block(muir_ctx *ctx, muir_flights *p, muir_coll_op *op)
{
    muir_status st = MUIR_OK;
    while (p->n > 0 && !muir_coll_is_done(op)) {
        MUIR_TRY(muir_coll_progress(ctx, op));
        MUIR_TRY(advance(ctx, p));
    }
    MUIR_TRY(muir_coll_wait(ctx, op));
done:
    return st;
}
