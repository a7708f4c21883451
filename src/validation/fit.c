/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows modelled at the figures that the pool believes in, round by round. */
#include "validation/fit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "estimate/interval.h"
#include "step_time/ideal.h"

static const double longest_step = 0.7; /* of a figure's logarithm in a round: slopes hold only nearby */

struct muir_fit {
    const muir_validate_row *rows; /* borrowed, [n] */
    const char *const *models;     /* borrowed, [n] */
    int n;
    muir_scenario *work;     /* [n]: each at the figures of the last round */
    muir_pool_row *measured; /* [n_used]: what takes part */
    int *row_of;             /* [n_used]: its row */
    double *beyond;          /* [n]: log of the predicted over the ideal step, which does not change */
    bool *is_used;           /* [n_used]: room */
    int n_used;
    muir_pool *pool;
};

/* Whose figures a stack's are. A kind's file says what any software of it may do, so it is no stack. */
static muir_address address_of(const char *name, const muir_stack *stack)
{
    muir_address a;
    memset(&a, 0, sizeof a);
    memcpy(a.kind, stack->top_kind, sizeof a.kind);
    memcpy(a.software, stack->software, sizeof a.software);
    memcpy(a.generation, stack->generation, sizeof a.generation);
    if (stack->software[0]) snprintf(a.stack, sizeof a.stack, "%.63s", name);
    return a;
}

/* A stack for any chip takes those that the row ran on. */
static muir_address row_address(const muir_scenario *scenario)
{
    const muir_chip *chip = &scenario->fleet.chip;
    muir_address a = address_of(scenario->run.stack, &scenario->job.stack);
    if (!a.generation[0])
        memcpy(a.generation, chip->generation[0] ? chip->generation : scenario->fleet.top.chip,
               sizeof a.generation);
    return a;
}

/* The logarithms of the figures that a scenario is modelled at. */
static void figures_of(const muir_scenario *scenario, const double *prior, double *figure)
{
    for (int f = 0; f < MUIR_FIGURES; f++) {
        const double value = muir_figure_get(&scenario->job.stack, f);
        figure[f] = value > 0.0 ? log(value) : prior[f];
    }
}

static muir_status model_row(muir_ctx *ctx, muir_fit *fit, int k)
{
    muir_status st = MUIR_OK;
    const int i = fit->row_of[k];
    muir_pool_row *m = &fit->measured[k];
    double step_s = 0.0;
    figures_of(&fit->work[i], m->prior, m->figure);
    MUIR_TRY(muir_estimate_slopes(ctx, &fit->work[i], m->slope));
    MUIR_TRY(muir_ideal_step_time(ctx, &fit->work[i], &step_s));
    m->log_ratio = log(fit->rows[i].real_s / step_s) - fit->beyond[i];
done:
    return st;
}

/* One more than the first row of the same document. */
static int64_t release_of(const muir_fit *fit, int i)
{
    int first = 0;
    while (first < i && strcmp(fit->rows[first].source, fit->rows[i].source) != 0) first++;
    return first + 1;
}

static muir_status begin_row(muir_ctx *ctx, muir_fit *fit, int k)
{
    muir_status st = MUIR_OK;
    const int i = fit->row_of[k];
    const muir_validate_row *row = &fit->rows[i];
    muir_pool_row *m = &fit->measured[k];
    double step_s = 0.0;
    const double scatter = fit->work[i].job.stack.scatter;
    m->address = row_address(&fit->work[i]);
    m->address.release = release_of(fit, i);
    m->variance = scatter * scatter + row->open_sigma * row->open_sigma;
    muir_pool_prior(&fit->work[i].job.stack, m->prior);
    MUIR_TRY(muir_ideal_step_time(ctx, &fit->work[i], &step_s));
    fit->beyond[i] = log(row->predicted_s / step_s);
    MUIR_TRY(model_row(ctx, fit, k));
done:
    return st;
}

muir_status muir_fit_create(muir_ctx *ctx, const muir_validate_row *rows, const muir_scenario *scenarios,
                            const char *const *models, int n, muir_fit **out)
{
    muir_status st = MUIR_OK;
    muir_fit *fit = NULL;
    const size_t size = (size_t)n;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *fit, "a fit", &fit));
    fit->rows = rows, fit->models = models, fit->n = n;
    MUIR_TRY(muir_alloc(ctx, size, sizeof *fit->work, "a fit", &fit->work));
    MUIR_TRY(muir_alloc(ctx, size, sizeof *fit->measured, "a fit", &fit->measured));
    MUIR_TRY(muir_alloc(ctx, size, sizeof *fit->row_of, "a fit", &fit->row_of));
    MUIR_TRY(muir_alloc(ctx, size, sizeof *fit->beyond, "a fit", &fit->beyond));
    MUIR_TRY(muir_alloc(ctx, size, sizeof *fit->is_used, "a fit", &fit->is_used));
    memcpy(fit->work, scenarios, size * sizeof *scenarios);
    for (int i = 0; i < n; i++)
        if (!rows[i].is_skipped && rows[i].has_time) fit->row_of[fit->n_used++] = i;
    for (int k = 0; k < fit->n_used; k++) MUIR_TRY(begin_row(ctx, fit, k));
    *out = fit;
    fit = NULL;
done:
    muir_fit_destroy(&fit);
    return st;
}

void muir_fit_destroy(muir_fit **fit)
{
    if (!*fit) return;
    muir_pool_destroy(&(*fit)->pool);
    free((*fit)->work);
    free((*fit)->measured);
    free((*fit)->row_of);
    free((*fit)->beyond);
    free((*fit)->is_used);
    free(*fit);
    *fit = NULL;
}

/* The first row of the same stack, whose belief is then the same; k itself if it is the first. Rows of a
 * kind's file on different chips are not the same stack. */
static int twin_of(const muir_fit *fit, int k)
{
    int j = 0;
    while (j < k && memcmp(&fit->measured[j].address, &fit->measured[k].address, sizeof(muir_address)) != 0)
        j++;
    return j;
}

static void move_figures(muir_fit *fit, int k, const muir_belief *belief)
{
    double middle[MUIR_FIGURES];
    const muir_pool_row *m = &fit->measured[k];
    for (int f = 0; f < MUIR_FIGURES; f++)
        middle[f] = m->figure[f] + fmax(-longest_step, fmin(longest_step, belief->middle[f] - m->figure[f]));
    muir_belief_set_figures(middle, &fit->work[fit->row_of[k]].job.stack);
}

static muir_status learn(muir_ctx *ctx, muir_fit *fit)
{
    muir_status st = MUIR_OK;
    muir_pool_destroy(&fit->pool);
    MUIR_TRY(muir_pool_create(ctx, fit->measured, fit->n_used, &fit->pool));
    MUIR_TRY(muir_pool_learn(ctx, fit->pool, NULL));
done:
    return st;
}

muir_status muir_fit_run(muir_ctx *ctx, muir_fit *fit, int rounds)
{
    muir_status st = MUIR_OK;
    muir_belief *beliefs = NULL;
    MUIR_TRY(muir_alloc(ctx, (size_t)fit->n_used, sizeof *beliefs, "a fit", &beliefs));
    MUIR_TRY(learn(ctx, fit));
    for (int round = 0; round < rounds; round++) {
        for (int k = 0; k < fit->n_used; k++) {
            const muir_pool_row *m = &fit->measured[k];
            const int twin = twin_of(fit, k);
            if (twin == k) MUIR_TRY(muir_pool_belief(ctx, fit->pool, &m->address, m->prior, &beliefs[k]));
            move_figures(fit, k, &beliefs[twin]);
        }
        for (int k = 0; k < fit->n_used; k++) MUIR_TRY(model_row(ctx, fit, k));
        MUIR_TRY(learn(ctx, fit));
    }
done:
    free(beliefs);
    return st;
}

muir_status muir_fit_belief(muir_ctx *ctx, const muir_fit *fit, const char *name, const muir_stack *stack,
                            muir_belief *belief, int *n_rows)
{
    double prior[MUIR_FIGURES];
    const muir_address address = address_of(name, stack);
    muir_pool_prior(stack, prior);
    *n_rows = muir_pool_rows_of(fit->pool, address.stack);
    return muir_pool_belief(ctx, fit->pool, &address, prior, belief);
}

static void write_row(FILE *file, const muir_fit *fit, int k)
{
    const muir_pool_row *m = &fit->measured[k];
    const muir_validate_row *row = &fit->rows[fit->row_of[k]];
    const muir_scenario *s = &fit->work[fit->row_of[k]];
    fprintf(file, "%s,%s,%s,%s,%s,%s,%lld,%d,%.9g,%.9g,%.9g,%.9g", row->id, row->family, m->address.kind,
            m->address.generation, m->address.software, m->address.stack, (long long)m->address.release,
            strcmp(row->complete, "yes") == 0, muir_pool_off(m), s->job.stack.scatter, row->open_sigma,
            s->fleet.chip.spread);
    for (int f = 0; f < MUIR_FIGURES; f++) fprintf(file, ",%.9g", m->slope[f]);
    fprintf(file, "\n");
}

muir_status muir_fit_write(muir_ctx *ctx, const muir_fit *fit, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file) return muir_fail(ctx, MUIR_ERR_FILE, "%s: cannot be written: %s", path, strerror(errno));
    fprintf(file, "id,source,kind,generation,software,stack,release,is_complete,off,scatter,open,chip");
    for (int f = 0; f < MUIR_FIGURES; f++) fprintf(file, ",%s", muir_figure_name(f));
    fprintf(file, "\n");
    for (int k = 0; k < fit->n_used; k++) write_row(file, fit, k);
    const bool is_bad = ferror(file) != 0;
    if (fclose(file) == 0 && !is_bad) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_FILE, "%s: writing failed", path);
}

/* A row at the middles of a belief: the step and its interval are modelled again there. */
static muir_status predict_row(muir_ctx *ctx, muir_fit *fit, int k, const muir_belief *belief,
                               muir_scenario *scratch, muir_validate_row *row)
{
    muir_status st = MUIR_OK;
    const int i = fit->row_of[k];
    const double run = hypot(muir_interval_scatter(&fit->work[i]), row->open_sigma);
    double step_s = 0.0;
    muir_interval interval;
    *scratch = fit->work[i];
    muir_belief_set_figures(belief->middle, &scratch->job.stack);
    MUIR_TRY(muir_ideal_step_time(ctx, scratch, &step_s));
    MUIR_TRY(muir_interval_at(ctx, scratch, belief, hypot(run, scratch->fleet.chip.spread), &interval));
    row->predicted_s = step_s * exp(fit->beyond[i]);
    row->error = row->predicted_s / row->real_s - 1.0;
    row->low_s = row->predicted_s * interval.low;
    row->high_s = row->predicted_s * interval.high;
done:
    return st;
}

/* Predicts the rows that are not used in the last muir_pool_learn, or all. */
static muir_status predict_rows(muir_ctx *ctx, muir_fit *fit, bool is_all, muir_validate_row *rows)
{
    muir_status st = MUIR_OK;
    muir_scenario *scratch = NULL;
    muir_belief *beliefs = NULL;
    bool *is_known = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *scratch, "a fit", &scratch));
    MUIR_TRY(muir_alloc(ctx, (size_t)fit->n_used, sizeof *beliefs, "a fit", &beliefs));
    MUIR_TRY(muir_alloc(ctx, (size_t)fit->n_used, sizeof *is_known, "a fit", &is_known));
    for (int k = 0; k < fit->n_used; k++) {
        if (!is_all && fit->is_used[k]) continue;
        const muir_pool_row *m = &fit->measured[k];
        const int twin = twin_of(fit, k);
        muir_validate_row *row = &rows[fit->row_of[k]];
        muir_address address = m->address;
        if (is_all) address.release = 0; /* as files know a stack */
        if (!is_known[twin]) MUIR_TRY(muir_pool_belief(ctx, fit->pool, &address, m->prior, &beliefs[twin]));
        is_known[twin] = true;
        row->basis = muir_pool_rows_of(fit->pool, m->address.stack) > 0 ? "fitted" : "pooled";
        MUIR_TRY(predict_row(ctx, fit, k, &beliefs[twin], scratch, row));
    }
done:
    free(scratch);
    free(beliefs);
    free(is_known);
    return st;
}

muir_status muir_fit_predict(muir_ctx *ctx, muir_fit *fit, muir_validate_row *rows)
{
    return predict_rows(ctx, fit, true, rows);
}

/* Which part a row belongs to, as far as a name says: models without what their proxies leave out. */
static void part_of(const muir_fit *fit, int k, muir_leave_out by, char *name, size_t size)
{
    const int i = fit->row_of[k];
    const char *text = by == MUIR_LEAVE_SOURCE  ? fit->rows[i].family
                       : by == MUIR_LEAVE_STACK ? fit->rows[i].stack
                                                : fit->models[i];
    snprintf(name, size, "%s", text);
    if (by != MUIR_LEAVE_MODEL) return;
    static const char *const ends[] = {" proxy", " (", " ["};
    for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++) {
        char *end = strstr(name, ends[e]);
        if (end) *end = '\0';
    }
}

muir_status muir_fit_leave_out(muir_ctx *ctx, muir_fit *fit, muir_leave_out by, muir_validate_row *rows)
{
    muir_status st = MUIR_OK;
    bool *is_done = NULL;
    MUIR_TRY(muir_alloc(ctx, (size_t)fit->n_used, sizeof *is_done, "leaving out", &is_done));
    for (int k = 0; k < fit->n_used; k++) {
        char part[MUIR_GROUP_SIZE], other[MUIR_GROUP_SIZE];
        int left = 0;
        if (is_done[k]) continue;
        part_of(fit, k, by, part, sizeof part);
        for (int j = 0; j < fit->n_used; j++) {
            part_of(fit, j, by, other, sizeof other);
            fit->is_used[j] = strcmp(part, other) != 0;
            is_done[j] = is_done[j] || !fit->is_used[j];
            left += fit->is_used[j];
        }
        if (left == 0)
            MUIR_TRY(
                muir_fail(ctx, MUIR_ERR_ARG, "nothing is left to fit without %s: all rows have it", part));
        MUIR_TRY(muir_pool_learn(ctx, fit->pool, fit->is_used));
        MUIR_TRY(predict_rows(ctx, fit, false, rows));
    }
done:
    free(is_done);
    return st;
}
