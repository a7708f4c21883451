/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures between the form of stack files and that of linear algebra. */
#include "estimate/belief.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double middles[] = {
#define FIGURE(name, middle, spread, profile) middle,
#include "models/figures.def"
#undef FIGURE
};

static int find_figure(const char *name)
{
    for (int f = 0; f < MUIR_FIGURES; f++)
        if (strcmp(muir_figure_name(f), name) == 0) return f;
    return -1;
}

/* "gemm launch_s -0.5, gemm level 0.3" */
static muir_status read_correlation(muir_ctx *ctx, const muir_stack *stack, muir_belief *b)
{
    char text[MUIR_TEXT_SIZE], *rest = NULL;
    memcpy(text, stack->correlation, sizeof text);
    for (char *item = strtok_r(text, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        char first[MUIR_NAME_SIZE] = "", second[MUIR_NAME_SIZE] = "";
        double value = 0.0;
        const int n = sscanf(item, " %63s %63s %lf", first, second, &value);
        const int i = find_figure(first), j = find_figure(second);
        if (n != 3 || i < 0 || j < 0 || i == j || !(fabs(value) <= 1.0))
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "stack.correlation: '%s' must be two different figures and a number from -1 to "
                             "1, such as 'gemm launch_s -0.5'",
                             item);
        b->covariance[i][j] = b->covariance[j][i] = value * sqrt(b->covariance[i][i] * b->covariance[j][j]);
    }
    return MUIR_OK;
}

muir_status muir_belief_of(muir_ctx *ctx, const muir_stack *stack, muir_belief *belief)
{
    muir_belief b;
    memset(&b, 0, sizeof b);
    for (int f = 0; f < MUIR_FIGURES; f++) {
        const double value = muir_figure_get(stack, f), spread = muir_figures_at(&stack->spread, f);
        b.middle[f] = log(value > 0.0 ? value : middles[f]);
        b.covariance[f][f] = value > 0.0 ? spread * spread : 0.0;
    }
    const muir_status st = read_correlation(ctx, stack, &b);
    if (st == MUIR_OK) *belief = b;
    return st;
}

/* To 4 digits, so that files stay readable and reading one back gives the same. */
static double rounded(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", value);
    return strtod(text, NULL);
}

void muir_belief_set_figures(const double *middle, muir_stack *stack)
{
    for (int f = 0; f < MUIR_FIGURES; f++) {
        double least = 0.0, most = 0.0;
        muir_figure_range(f, &least, &most);
        muir_figure_set(stack, f, fmin(fmax(exp(middle[f]), least), most));
    }
}

typedef struct pair {
    int i, j;
    double value;
} pair;

static int by_size(const void *a, const void *b)
{
    const double x = fabs(((const pair *)a)->value), y = fabs(((const pair *)b)->value);
    return x < y ? 1 : x > y ? -1 : 0;
}

/* As many as the key has room for, the largest first; smaller ones than 0.1 change nothing that is seen. */
static void store_correlation(const muir_belief *b, muir_stack *stack)
{
    pair pairs[MUIR_FIGURES * MUIR_FIGURES];
    int n = 0;
    size_t used = 0;
    for (int i = 0; i < MUIR_FIGURES; i++)
        for (int j = i + 1; j < MUIR_FIGURES; j++) {
            const double scale = sqrt(b->covariance[i][i] * b->covariance[j][j]);
            const double value = scale > 0.0 ? b->covariance[i][j] / scale : 0.0;
            if (fabs(value) >= 0.1) pairs[n++] = (pair){i, j, value};
        }
    qsort(pairs, (size_t)n, sizeof *pairs, by_size);
    memset(stack->correlation, 0, sizeof stack->correlation);
    for (int k = 0; k < n; k++) {
        char item[3 * MUIR_NAME_SIZE];
        const int length =
            snprintf(item, sizeof item, "%s%s %s %.2f", k ? ", " : "", muir_figure_name(pairs[k].i),
                     muir_figure_name(pairs[k].j), pairs[k].value);
        if (used + (size_t)length >= sizeof stack->correlation) break;
        memcpy(stack->correlation + used, item, (size_t)length + 1);
        used += (size_t)length;
    }
}

void muir_belief_store(const muir_belief *belief, muir_stack *stack)
{
    muir_belief_set_figures(belief->middle, stack);
    for (int f = 0; f < MUIR_FIGURES; f++) {
        muir_figure_set(stack, f, rounded(muir_figure_get(stack, f)));
        muir_figures_set(&stack->spread, f, rounded(sqrt(fmax(belief->covariance[f][f], 0.0))));
    }
    store_correlation(belief, stack);
}

double muir_belief_variance(const muir_belief *belief, const double *d)
{
    double sum = 0.0;
    for (int i = 0; i < MUIR_FIGURES; i++)
        for (int j = 0; j < MUIR_FIGURES; j++) sum += d[i] * d[j] * belief->covariance[i][j];
    return fmax(sum, 0.0);
}
