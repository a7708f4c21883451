/* SPDX-License-Identifier: BSD-3-Clause */
/* Normal, correlated runs: covariances by what they share, one Cholesky factor, beliefs from it. */
#include "validation/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cholesky.h"
#include "base/mem.h"

/* Levels of the hierarchy: all, kind, chip, software, stack, release. */
enum { LEVELS = 6, ROUNDS = 3 };

enum {
#define PROFILE(name, all, kind, chip, software, stack, release) PROFILE_##name,
#include "models/figures.def"
    PROFILES
};

/* Shares of a figure's variance by level. */
static const double profiles[PROFILES][LEVELS] = {
#define PROFILE(name, all, kind, chip, software, stack, release) {all, kind, chip, software, stack, release},
#include "models/figures.def"
};
static const double spreads[MUIR_FIGURES] = {
#define FIGURE(name, middle, spread, profile) spread,
#include "models/figures.def"
};
static const int profile_of[MUIR_FIGURES] = {
#define FIGURE(name, middle, spread, profile) PROFILE_##profile,
#include "models/figures.def"
};
static const double middles[MUIR_FIGURES] = {
#define FIGURE(name, middle, spread, profile) middle,
#include "models/figures.def"
};

struct muir_pool {
    const muir_pool_row *rows; /* borrowed */
    int n;
    double *shared;   /* [n,n]: covariance of the rows' logarithms */
    double *factor;   /* [used,used] */
    double *weighted; /* [used]: covariance^-1 times what the rows are off */
    double *weight;   /* [n]: of each row against outliers, up to 1 */
    int *used;        /* [used]: rows */
    int n_used;
};

static bool is_same(const char *a, const char *b)
{
    return a[0] && strcmp(a, b) == 0;
}

/* Variance of a figure that two stacks share. */
static void shared_levels(const muir_address *a, const muir_address *b, bool shares[LEVELS])
{
    shares[0] = true;
    shares[1] = is_same(a->kind, b->kind);
    shares[2] = is_same(a->generation, b->generation);
    shares[3] = is_same(a->software, b->software);
    shares[4] = is_same(a->stack, b->stack);
    shares[5] = shares[4] && a->release > 0 && a->release == b->release;
}

static double shared_variance(int figure, const bool shares[LEVELS])
{
    double sum = 0.0;
    for (int l = 0; l < LEVELS; l++)
        if (shares[l]) sum += profiles[profile_of[figure]][l];
    return sum * spreads[figure] * spreads[figure];
}

static double row_covariance(const muir_pool_row *a, const muir_pool_row *b)
{
    bool shares[LEVELS];
    double sum = 0.0;
    shared_levels(&a->address, &b->address, shares);
    for (int f = 0; f < MUIR_FIGURES; f++) sum += a->slope[f] * b->slope[f] * shared_variance(f, shares);
    return sum;
}

muir_status muir_pool_create(muir_ctx *ctx, const muir_pool_row *rows, int n, muir_pool **out)
{
    muir_status st = MUIR_OK;
    muir_pool *p = NULL;
    const size_t size = (size_t)n;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *p, "measured runs", &p));
    p->rows = rows;
    p->n = n;
    MUIR_TRY(muir_alloc(ctx, size * size, sizeof(double), "measured runs", &p->shared));
    MUIR_TRY(muir_alloc(ctx, size * size, sizeof(double), "measured runs", &p->factor));
    MUIR_TRY(muir_alloc(ctx, size, sizeof(double), "measured runs", &p->weighted));
    MUIR_TRY(muir_alloc(ctx, size, sizeof(double), "measured runs", &p->weight));
    MUIR_TRY(muir_alloc(ctx, size, sizeof(int), "measured runs", &p->used));
    for (int i = 0; i < n; i++) {
        p->weight[i] = 1.0;
        for (int j = 0; j <= i; j++)
            p->shared[(size_t)i * size + (size_t)j] = p->shared[(size_t)j * size + (size_t)i] =
                row_covariance(&rows[i], &rows[j]);
    }
    *out = p;
    p = NULL;
done:
    muir_pool_destroy(&p);
    return st;
}

void muir_pool_destroy(muir_pool **pool)
{
    if (!*pool) return;
    free((*pool)->shared);
    free((*pool)->factor);
    free((*pool)->weighted);
    free((*pool)->weight);
    free((*pool)->used);
    free(*pool);
    *pool = NULL;
}

double muir_pool_off(const muir_pool_row *row)
{
    double sum = row->log_ratio;
    for (int f = 0; f < MUIR_FIGURES; f++) sum += row->slope[f] * (row->figure[f] - row->prior[f]);
    return sum;
}

static muir_status solve(muir_ctx *ctx, muir_pool *p)
{
    const size_t m = (size_t)p->n_used;
    for (int i = 0; i < p->n_used; i++) {
        const int row = p->used[i];
        for (int j = 0; j <= i; j++)
            p->factor[(size_t)i * m + (size_t)j] = p->shared[(size_t)row * (size_t)p->n + (size_t)p->used[j]];
        p->factor[(size_t)i * m + (size_t)i] += p->rows[row].variance / p->weight[row];
        p->weighted[i] = muir_pool_off(&p->rows[row]);
    }
    const muir_status st = muir_cholesky(ctx, p->factor, p->n_used);
    if (st != MUIR_OK) return st;
    muir_cholesky_forward(p->factor, p->n_used, p->weighted);
    muir_cholesky_backward(p->factor, p->n_used, p->weighted);
    return MUIR_OK;
}

/* What a row is off by itself is its own variance times its share of the solution. */
static void weigh(muir_pool *p)
{
    static const double degrees = 4.0;
    for (int i = 0; i < p->n_used; i++) {
        const int row = p->used[i];
        const double own = p->rows[row].variance;
        const double off = own / p->weight[row] * p->weighted[i];
        p->weight[row] = fmin(1.0, (degrees + 1.0) / (degrees + off * off / own));
    }
}

muir_status muir_pool_learn(muir_ctx *ctx, muir_pool *pool, const bool *is_used)
{
    muir_status st = MUIR_OK;
    pool->n_used = 0;
    for (int i = 0; i < pool->n; i++)
        if (!is_used || is_used[i]) pool->used[pool->n_used++] = i;
    for (int round = 0; round < ROUNDS; round++) {
        MUIR_TRY(solve(ctx, pool));
        weigh(pool);
    }
    MUIR_TRY(solve(ctx, pool));
done:
    return st;
}

/* Covariance of a stack's figure with every used row.
 * x  out  [n_used] */
static void figure_covariance(const muir_pool *p, const muir_address *address, int figure, double *x)
{
    for (int i = 0; i < p->n_used; i++) {
        const muir_pool_row *row = &p->rows[p->used[i]];
        bool shares[LEVELS];
        shared_levels(address, &row->address, shares);
        x[i] = row->slope[figure] * shared_variance(figure, shares);
    }
}

static double dot(const double *a, const double *b, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

muir_status muir_pool_belief(muir_ctx *ctx, const muir_pool *pool, const muir_address *address,
                             const double *prior, muir_belief *belief)
{
    static const bool all[LEVELS] = {true, true, true, true, true, true};
    muir_status st = MUIR_OK;
    double *x = NULL;
    const size_t m = (size_t)pool->n_used;
    memset(belief, 0, sizeof *belief);
    MUIR_TRY(muir_alloc(ctx, MUIR_FIGURES * m, sizeof *x, "what is known of a stack", &x));
    for (int f = 0; f < MUIR_FIGURES; f++) {
        double *mine = x + (size_t)f * m;
        figure_covariance(pool, address, f, mine);
        belief->middle[f] = prior[f] + dot(mine, pool->weighted, pool->n_used);
        muir_cholesky_forward(pool->factor, pool->n_used, mine);
        for (int g = 0; g <= f; g++)
            belief->covariance[f][g] = belief->covariance[g][f] =
                (f == g ? shared_variance(f, all) : 0.0) - dot(mine, x + (size_t)g * m, pool->n_used);
    }
done:
    free(x);
    return st;
}

void muir_pool_prior(const muir_stack *stack, double *prior)
{
    for (int f = 0; f < MUIR_FIGURES; f++) {
        const double own = muir_figures_at(&stack->prior, f);
        prior[f] = log(own > 0.0 ? own : middles[f]);
    }
}

int muir_pool_rows_of(const muir_pool *pool, const char *stack)
{
    int n = 0;
    for (int i = 0; i < pool->n_used; i++) n += is_same(stack, pool->rows[pool->used[i]].address.stack);
    return n;
}
