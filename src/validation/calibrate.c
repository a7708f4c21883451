/* SPDX-License-Identifier: BSD-3-Clause */
/* The normal update of a stack's figures. */
#include "validation/calibrate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cholesky.h"
#include "base/mem.h"
#include "estimate/interval.h"
#include "step_time/ideal.h"

enum { ROUNDS = 3 };

/* Rows as the update sees them. */
typedef struct update {
    int n, n_used;       /* rows that can be run, and those of an update */
    int *used;           /* [n_used]: of them */
    double *weight;      /* [n] */
    int *row_of;         /* [n] */
    muir_scenario *work; /* [n] at the figures of the last round */
    double *beyond;      /* [n] log of predicted over ideal step */
    double *log_real;    /* [n] */
    double *variance;    /* [n] */
    double *slope;       /* [n,F] */
    double *off;         /* [n] log measured over modelled at the middles before */
    double *carried;     /* [n,F]: C S^T, row by row */
    double *matrix;      /* [n,n] */
    double *solved;      /* [n] */
} update;

static void free_update(update *u)
{
    free(u->row_of);
    free(u->used);
    free(u->weight);
    free(u->work);
    free(u->beyond);
    free(u->log_real);
    free(u->variance);
    free(u->slope);
    free(u->off);
    free(u->carried);
    free(u->matrix);
    free(u->solved);
}

static muir_status make_update(muir_ctx *ctx, const muir_validate_row *rows, const muir_scenario *scenarios,
                               int n, update *u)
{
    muir_status st = MUIR_OK;
    const size_t most = (size_t)n, figures = MUIR_FIGURES;
    memset(u, 0, sizeof *u);
    MUIR_TRY(muir_alloc(ctx, most, sizeof *u->row_of, "rows", &u->row_of));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *u->used, "rows", &u->used));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *u->weight, "rows", &u->weight));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *u->work, "rows", &u->work));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *u->beyond, "rows", &u->beyond));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *u->log_real, "rows", &u->log_real));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *u->variance, "rows", &u->variance));
    MUIR_TRY(muir_alloc(ctx, most * figures, sizeof *u->slope, "rows", &u->slope));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *u->off, "rows", &u->off));
    MUIR_TRY(muir_alloc(ctx, most * figures, sizeof *u->carried, "rows", &u->carried));
    MUIR_TRY(muir_alloc(ctx, most * most, sizeof *u->matrix, "rows", &u->matrix));
    MUIR_TRY(muir_alloc(ctx, most, sizeof *u->solved, "rows", &u->solved));
    for (int i = 0; i < n; i++) {
        double step_s = 0.0;
        if (rows[i].is_skipped || !rows[i].has_time) continue;
        const int k = u->n++;
        u->row_of[k] = i;
        u->work[k] = scenarios[i];
        MUIR_TRY(muir_ideal_step_time(ctx, &u->work[k], &step_s));
        u->beyond[k] = log(rows[i].predicted_s / step_s);
        u->log_real[k] = log(rows[i].real_s);
        const double scatter = scenarios[i].job.stack.scatter;
        u->variance[k] = scatter * scatter + rows[i].open_sigma * rows[i].open_sigma;
    }
done:
    return st;
}

/* Models all rows at the middles of `at`; how far they are off `before` follows from the slopes there. */
static muir_status model_at(muir_ctx *ctx, update *u, const muir_belief *before, const double *at)
{
    muir_status st = MUIR_OK;
    for (int k = 0; k < u->n; k++) {
        double step_s = 0.0, *slope = u->slope + (size_t)k * MUIR_FIGURES;
        muir_belief_set_figures(at, &u->work[k].job.stack);
        MUIR_TRY(muir_ideal_step_time(ctx, &u->work[k], &step_s));
        MUIR_TRY(muir_estimate_slopes(ctx, &u->work[k], slope));
        u->off[k] = u->log_real[k] - log(step_s) - u->beyond[k];
        for (int f = 0; f < MUIR_FIGURES; f++) u->off[k] += slope[f] * (at[f] - before->middle[f]);
    }
done:
    return st;
}

static double dot(const double *a, const double *b)
{
    double sum = 0.0;
    for (int f = 0; f < MUIR_FIGURES; f++) sum += a[f] * b[f];
    return sum;
}

static const double *slope_of(const update *u, int k)
{
    return u->slope + (size_t)k * MUIR_FIGURES;
}

static double *carried_of(const update *u, int k)
{
    return u->carried + (size_t)k * MUIR_FIGURES;
}

/* Covariance of the used rows, factored, and solved for what they are off. */
static muir_status solve_rows(muir_ctx *ctx, update *u, const muir_belief *before)
{
    for (int i = 0; i < u->n_used; i++) {
        const int k = u->used[i];
        for (int f = 0; f < MUIR_FIGURES; f++)
            carried_of(u, k)[f] = dot(before->covariance[f], slope_of(u, k));
        for (int j = 0; j <= i; j++)
            u->matrix[i * u->n_used + j] = dot(carried_of(u, u->used[j]), slope_of(u, k));
        u->matrix[i * u->n_used + i] += u->variance[k] / u->weight[k];
        u->solved[i] = u->off[k];
    }
    const muir_status st = muir_cholesky(ctx, u->matrix, u->n_used);
    if (st != MUIR_OK) return st;
    muir_cholesky_forward(u->matrix, u->n_used, u->solved);
    muir_cholesky_backward(u->matrix, u->n_used, u->solved);
    return MUIR_OK;
}

/* Rows far off weigh less, as in a fit to many (muir_pool_learn). */
static void weigh(update *u)
{
    static const double degrees = 4.0;
    for (int i = 0; i < u->n_used; i++) {
        const int k = u->used[i];
        const double off = u->variance[k] / u->weight[k] * u->solved[i];
        u->weight[k] = fmin(1.0, (degrees + 1.0) / (degrees + off * off / u->variance[k]));
    }
}

/* x <- C S^T x: what the used rows' shares x come to in figures.
 * figures  out  [MUIR_FIGURES] */
static void carry(const update *u, const double *x, double *figures)
{
    for (int f = 0; f < MUIR_FIGURES; f++) {
        figures[f] = 0.0;
        for (int i = 0; i < u->n_used; i++) figures[f] += carried_of(u, u->used[i])[f] * x[i];
    }
}

/* The update by all rows but one, -1: by all. */
static muir_status solve(muir_ctx *ctx, update *u, const muir_belief *before, int without, muir_belief *after)
{
    muir_status st = MUIR_OK;
    double moved[MUIR_FIGURES];
    *after = *before;
    u->n_used = 0;
    for (int k = 0; k < u->n; k++) {
        u->weight[k] = 1.0;
        if (k != without) u->used[u->n_used++] = k;
    }
    for (int round = 0; round < ROUNDS; round++) {
        MUIR_TRY(solve_rows(ctx, u, before));
        weigh(u);
    }
    MUIR_TRY(solve_rows(ctx, u, before));
    carry(u, u->solved, moved);
    for (int f = 0; f < MUIR_FIGURES; f++) after->middle[f] += moved[f];
    for (int f = 0; f < MUIR_FIGURES; f++) { /* C - C S^T M^-1 S C, a column at a time */
        for (int i = 0; i < u->n_used; i++) u->solved[i] = carried_of(u, u->used[i])[f];
        muir_cholesky_forward(u->matrix, u->n_used, u->solved);
        muir_cholesky_backward(u->matrix, u->n_used, u->solved);
        carry(u, u->solved, moved);
        for (int g = 0; g < MUIR_FIGURES; g++) after->covariance[g][f] -= moved[g];
    }
done:
    return st;
}

/* A row as the rows without it predict it. */
static muir_status leave_out(muir_ctx *ctx, update *u, const muir_belief *before, int k,
                             muir_validate_row *row)
{
    muir_status st = MUIR_OK;
    muir_belief rest;
    double step_s = 0.0;
    MUIR_TRY(solve(ctx, u, before, k, &rest));
    muir_belief_set_figures(rest.middle, &u->work[k].job.stack);
    MUIR_TRY(muir_ideal_step_time(ctx, &u->work[k], &step_s));
    const double run = hypot(muir_interval_scatter(&u->work[k]), row->open_sigma);
    muir_interval interval;
    MUIR_TRY(muir_interval_at(ctx, &u->work[k], &rest, run, &interval));
    row->predicted_s = step_s * exp(u->beyond[k]);
    row->error = row->predicted_s / row->real_s - 1.0;
    row->low_s = row->predicted_s * interval.low;
    row->high_s = row->predicted_s * interval.high;
done:
    return st;
}

static muir_status check_rows(muir_ctx *ctx, const muir_validate_row *rows, int n, const char **stack)
{
    *stack = NULL;
    for (int i = 0; i < n; i++) {
        if (rows[i].is_skipped || !rows[i].has_time) continue;
        if (!*stack) *stack = rows[i].stack;
        if (strcmp(*stack, rows[i].stack) != 0)
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "rows %s and %s start from different stacks, %s and %s: calibrate each alone, "
                             "or name the stack that all start from with --stack",
                             rows[0].id, rows[i].id, *stack, rows[i].stack);
    }
    if (*stack) return MUIR_OK;
    if (n == 0) return muir_fail(ctx, MUIR_ERR_ARG, "the table has no rows");
    return muir_fail(ctx, MUIR_ERR_ARG, "no row can be run; row %s: %s", rows[0].id, rows[0].why);
}

muir_status muir_calibrate_rows(muir_ctx *ctx, muir_validate_row *rows, const muir_scenario *scenarios, int n,
                                muir_calibration *out)
{
    muir_status st = MUIR_OK;
    update u;
    const char *stack = NULL;
    muir_calibration c;
    memset(&c, 0, sizeof c);
    memset(&u, 0, sizeof u);
    MUIR_TRY(check_rows(ctx, rows, n, &stack));
    MUIR_TRY(make_update(ctx, rows, scenarios, n, &u));
    c.stack = scenarios[u.row_of[0]].job.stack;
    snprintf(c.base, sizeof c.base, "%s", scenarios[u.row_of[0]].run.stack);
    MUIR_TRY(muir_belief_of(ctx, &c.stack, &c.before));
    c.after = c.before;
    for (int round = 0; round < ROUNDS; round++) {
        MUIR_TRY(model_at(ctx, &u, &c.before, c.after.middle));
        MUIR_TRY(solve(ctx, &u, &c.before, -1, &c.after));
    }
    for (int k = 0; k < u.n; k++) MUIR_TRY(leave_out(ctx, &u, &c.before, k, &rows[u.row_of[k]]));
    c.stack.basis = MUIR_BASIS_CALIBRATED;
    c.stack.rows = u.n;
    muir_belief_store(&c.after, &c.stack);
    *out = c;
done:
    free_update(&u);
    return st;
}
