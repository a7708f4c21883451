/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing the fastest algorithm by measurement. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "collectives/measure.h"
#include "collectives/steps.h"

enum { MOST_SAMPLES = 15, LEAST_SAMPLES = 7, FEW_SAMPLES = 3, MOST_CALLS = 20 };
/* One call where it is slow; a second one since the first also touches memory; more where they are short, as
 * other programs disturb those most. */
enum { FIRST_CALLS = 1, SECOND_CALLS = 1, MORE_CALLS = 4 };

/* A sample is long enough for the clock, and the turns of the best few end soon also where a call takes a
 * time slice of the operating system. */
static const double SAMPLE_S = 100e-6, TURNS_S = 50e-3, SHORT_S = 1e-3, LONG_S = 20e-3, SLOW_S = 100e-3;

/* How much longer than the best so far a row may take and stay in; by how much another must beat `mpi`. */
static const double STAYS_IN = 2.0, BEATS_MPI = 1.03;

typedef struct race {
    muir_coll_comm *comm; /* borrowed */
    void *send, *recv;    /* borrowed */
    double round_s;       /* of one round of a barrier */
    double spent_s, best_s;
    int n, n_untried;
    muir_coll_trial trial[MUIR_COLL_TRIALS];
    muir_coll_op *op[MUIR_COLL_TRIALS]; /* NULL: out */
} race;

static bool is_named(const muir_coll *coll, const char *name)
{
    return strcmp(coll->name, name) == 0;
}

static muir_status time_barrier(muir_ctx *ctx, race *r)
{
    muir_status st = MUIR_OK;
    double time_s[2];
    for (int i = 0; i < 2; i++) {
        const double start_s = muir_now_s();
        MUIR_TRY_MPI(MPI_Barrier(r->comm->comm));
        time_s[i] = muir_now_s() - start_s;
    }
    r->round_s = fmin(time_s[0], time_s[1]) / fmax(1.0, muir_coll_log2(r->comm->size));
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &r->round_s, 1, MPI_DOUBLE, MPI_MIN, r->comm->comm));
done:
    return st;
}

/* Whether the row's rounds alone would put it out. */
static bool is_hopeless(const race *r, const muir_coll *coll)
{
    double rounds = 0.0, bytes = 0.0;
    if (!coll->traffic || r->n == 0) return false;
    coll->traffic(r->comm->size, 0.0, &rounds, &bytes);
    return 0.5 * rounds * r->round_s > STAYS_IN * r->best_s;
}

/* The best of some calls. */
static muir_status time_briefly(muir_ctx *ctx, race *r, muir_coll_op *op, double *least_s)
{
    muir_status st = MUIR_OK;
    static const struct {
        int calls;
        double below_s; /* the call before must have been faster */
    } rounds[] = {{FIRST_CALLS, INFINITY}, {SECOND_CALLS, SLOW_S}, {MORE_CALLS, SHORT_S}};
    *least_s = INFINITY;
    for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
        double time_s[MORE_CALLS];
        const muir_coll_sample sample = {.op = op, .time_s = time_s};
        const int n = rounds[i].calls;
        if (*least_s >= rounds[i].below_s && i > 0) break;
        MUIR_TRY(muir_coll_measure(ctx, r->comm, &sample, 1, n, 1, r->send, r->recv, NULL, NULL, NULL));
        for (int k = 0; k < n; k++) {
            *least_s = fmin(*least_s, time_s[k]);
            r->spent_s += time_s[k];
        }
    }
done:
    return st;
}

/* Over slow links a brief call may be free, as it fits into a buffer, where more of them are not: there `mpi`
 * stays in, so that what is said to be faster than it has run against it. */
static bool stays_in(const race *r, const muir_coll *coll, double time_s)
{
    return time_s <= STAYS_IN * r->best_s || (r->comm->hosts && is_named(coll, "mpi"));
}

static muir_status try_row(muir_ctx *ctx, race *r, const muir_coll *coll, const muir_coll_spec *spec)
{
    muir_status st = MUIR_OK;
    muir_coll_op *op = NULL;
    double least_s = 0.0;
    if (r->n == MUIR_COLL_TRIALS) return MUIR_OK;
    st = muir_coll_op_create(ctx, r->comm, coll, spec, &op);
    if (st == MUIR_ERR_ARG) {
        muir_ctx_clear(ctx); /* not for this type, size or communicator, on no rank */
        return MUIR_OK;
    }
    if (st != MUIR_OK) return st;

    MUIR_TRY(time_briefly(ctx, r, op, &least_s));
    if (r->n == 0 || least_s < r->best_s) r->best_s = least_s;
    r->trial[r->n] = (muir_coll_trial){.coll = coll, .time_s = least_s};
    if (stays_in(r, coll, least_s)) {
        r->op[r->n] = op;
        op = NULL;
    }
    r->n++;
done:
    muir_coll_op_destroy(&op);
    return st;
}

/* Of rows that the alpha-beta model knows, the one with the least of something. */
typedef double (*muir_coll_need)(const muir_coll *coll, int p);

static double bytes_of(const muir_coll *coll, int p)
{
    double rounds = 0.0, sent = 0.0;
    coll->traffic(p, 1.0, &rounds, &sent);
    return sent;
}

static double rounds_of(const muir_coll *coll, int p)
{
    double rounds = 0.0, sent = 0.0;
    coll->traffic(p, 1.0, &rounds, &sent);
    return rounds;
}

static const muir_coll *least(const race *r, muir_coll_kind kind, muir_coll_need need)
{
    const muir_coll *best = NULL;
    const int p = r->comm->size;
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        if (coll->kind != kind || !coll->traffic || !muir_coll_fits(coll, p)) continue;
        if (!best || need(coll, p) < need(best, p)) best = coll;
    }
    return best;
}

static bool is_tried(const race *r, const muir_coll *coll)
{
    for (int i = 0; i < r->n; i++)
        if (r->trial[i].coll == coll) return true;
    return false;
}

/* The likely ones first, so that the others have something to fall behind. However long they take: where
 * ranks share memory `shared` and `mpi`; elsewhere also what links of a network favour, be they slow (two
 * levels, few bytes) or far away (few rounds). */
static muir_status try_likely(muir_ctx *ctx, race *r, muir_coll_kind kind, const muir_coll_spec *spec)
{
    muir_status st = MUIR_OK;
    const bool is_network = r->comm->hosts != NULL;
    const muir_coll *const likely[] = {muir_coll_find(kind, "shared"), muir_coll_find(kind, "mpi"),
                                       is_network ? muir_coll_find(kind, "hierarchical") : NULL,
                                       is_network ? least(r, kind, bytes_of) : NULL,
                                       is_network ? least(r, kind, rounds_of) : NULL};
    for (size_t i = 0; i < sizeof likely / sizeof likely[0]; i++)
        if (likely[i] && !is_tried(r, likely[i]) && !is_hopeless(r, likely[i]))
            MUIR_TRY(try_row(ctx, r, likely[i], spec));
done:
    return st;
}

static muir_status try_rows(muir_ctx *ctx, race *r, muir_coll_kind kind, const muir_coll_spec *spec,
                            double limit_s)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(try_likely(ctx, r, kind, spec));
    for (size_t i = 0; i < muir_coll_count(); i++) {
        const muir_coll *coll = muir_coll_at(i);
        if (coll->kind != kind || is_tried(r, coll) || is_hopeless(r, coll)) continue;
        if (!muir_coll_fits(coll, r->comm->size) || muir_coll_why_not(coll, r->comm)) continue;
        if (r->n > 0 && r->spent_s > limit_s)
            r->n_untried++;
        else
            MUIR_TRY(try_row(ctx, r, coll, spec));
    }
    for (int i = 0; i < r->n; i++) /* the best came after some */
        if (!stays_in(r, r->trial[i].coll, r->trial[i].time_s)) muir_coll_op_destroy(&r->op[i]);
done:
    return st;
}

muir_coll_turns muir_coll_turns_for(double round_s, int n)
{
    const double calls = fmin(MOST_CALLS, fmax(1.0, floor(SAMPLE_S * n / round_s)));
    const double fewest = round_s > n * SLOW_S ? 1 : round_s > LONG_S ? FEW_SAMPLES : LEAST_SAMPLES;
    const double samples = fmin(MOST_SAMPLES, fmax(fewest, floor(TURNS_S / (round_s * calls))));
    return (muir_coll_turns){(int)samples, (int)calls};
}

/* As many samples in turns of as many calls as the time allows; all that decides is the same on all ranks. */
static muir_status run_in_turns(muir_ctx *ctx, race *r)
{
    muir_status st = MUIR_OK;
    double time_s[MUIR_COLL_TRIALS][MOST_SAMPLES], round_s = 0.0;
    muir_coll_sample sample[MUIR_COLL_TRIALS];
    int of[MUIR_COLL_TRIALS], n = 0;
    for (int i = 0; i < r->n; i++) {
        if (!r->op[i]) continue;
        of[n] = i;
        round_s += r->trial[i].time_s;
        sample[n] = (muir_coll_sample){.op = r->op[i], .time_s = time_s[n]};
        n++;
    }
    if (n == 0) return MUIR_OK;
    const muir_coll_turns turns = muir_coll_turns_for(round_s, n);
    MUIR_TRY(muir_coll_measure(ctx, r->comm, sample, n, turns.samples, turns.calls, r->send, r->recv, NULL,
                               NULL, NULL));
    for (int i = 0; i < n; i++) {
        r->trial[of[i]].time_s = muir_median(time_s[i], (size_t)turns.samples);
        r->trial[of[i]].is_in_full = true;
    }
done:
    return st;
}

static void decide(const race *r, muir_coll_choice *choice)
{
    double least_s = INFINITY;
    memset(choice, 0, sizeof *choice);
    choice->mpi_s = NAN;
    choice->n_trials = r->n;
    choice->n_untried = r->n_untried;
    for (int i = 0; i < r->n; i++) {
        const muir_coll_trial *t = &r->trial[i];
        const bool is_mpi = is_named(t->coll, "mpi");
        const double time_s = is_mpi ? t->time_s / BEATS_MPI : t->time_s;
        choice->trials[i] = *t;
        if (is_mpi) choice->mpi_s = t->time_s;
        if (!t->is_in_full || time_s >= least_s) continue;
        least_s = time_s;
        choice->coll = t->coll;
        choice->time_s = t->time_s;
    }
}

muir_status muir_coll_choose(muir_ctx *ctx, muir_coll_comm *comm, muir_coll_kind kind,
                             const muir_coll_spec *spec, void *send, void *recv, double limit_s,
                             muir_coll_choice *choice)
{
    muir_status st = MUIR_OK;
    race *r = NULL;
    muir_coll_choice found;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *r, "a choice of collectives", &r));
    r->comm = comm;
    r->send = send;
    r->recv = recv;
    MUIR_TRY(time_barrier(ctx, r));
    MUIR_TRY(try_rows(ctx, r, kind, spec, limit_s));
    MUIR_TRY(run_in_turns(ctx, r));
    decide(r, &found);
    if (!found.coll)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "no algorithm does %s of %s", muir_coll_kind_name(kind),
                           muir_dtype_name(spec->dtype)));
    *choice = found;
done:
    for (int i = 0; r && i < r->n; i++) muir_coll_op_destroy(&r->op[i]);
    free(r);
    return st;
}
