/* SPDX-License-Identifier: BSD-3-Clause */
/* Gauss and Newton's method on the logarithms of figures. */
#include "validation/collectives_fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_FIGURES = 256, MOST_KEYS = 64, MOST_SOURCES = 256, ROUNDS = 12, NAME = 96 };

static const double SPREAD = 0.15; /* of the logarithm of a row's error, beyond which it counts less */
/* What a shipped value counts: shares of a rate are known to a fifth, everything else to a factor e. */
static const double SHARE_PRIOR = 25.0, PRIOR = 1.0;
static const double STEP = 1e-3;    /* of finite differences, in logarithms */
static const double FARTHEST = 0.7; /* that a figure moves in one round, in logarithms */

/* Who tells a figure that only the source left out has: all others; those whose fabrics have its transport;
 * nobody, so that the mechanism is off. */
enum { ANYWHERE, FABRIC, NOBODY };

/* A key whose values are figures: where it lies in a row. */
typedef struct key {
    size_t offset;
    double most;  /* that it may be */
    double prior; /* weight of the shipped value */
    int of;       /* who tells it */
} key;

typedef struct figure {
    int key;
    double shipped; /* the value that fleets have */
    double value;   /* fitted */
    bool is_free;   /* rows of the fit have it */
} figure;

typedef struct fit {
    muir_collective_row *rows; /* [n], borrowed */
    int n;
    key keys[MOST_KEYS];
    int n_keys;
    figure figures[MOST_FIGURES];
    int n_figures;
    int *of_row;         /* [n, n_keys]: the figure of each key; -1: not used */
    int *source;         /* [n] */
    double *weight;      /* [n] */
    char (*names)[NAME]; /* [MOST_SOURCES] */
    int n_sources;
    int column[MOST_FIGURES]; /* of free figures among the unknowns */
    double *jacobian;         /* [n, n_keys] slopes of log predicted */
    double *normal, *right;   /* [unknowns, unknowns], [unknowns] */
} fit;

void muir_collective_source(const muir_collective_row *row, char *name, size_t size)
{
    snprintf(name, size, "%.*s", (int)strcspn(row->source, "@ "), row->source);
}

static double *place(muir_collective_row *row, const key *k)
{
    return (double *)(void *)((char *)row + k->offset);
}

static void add_key(fit *f, size_t offset, double most, int of)
{
    const double prior = isfinite(most) ? SHARE_PRIOR : PRIOR;
    if (f->n_keys < MOST_KEYS) f->keys[f->n_keys++] = (key){offset, most, prior, of};
}

static void add_keys(fit *f)
{
    const muir_section *library = &muir_library_schema.sections[0];
#define ROW(member) offsetof(muir_collective_row, member)
    add_key(f, ROW(fleet.server.efficiency), 1.0, ANYWHERE);
    add_key(f, ROW(fleet.server.reduction), 1.0, ANYWHERE);
    add_key(f, ROW(fleet.server.alpha_s), INFINITY, ANYWHERE);
    add_key(f, ROW(fleet.server.base_s), INFINITY, ANYWHERE);
    add_key(f, ROW(fleet.fabric.efficiency), 1.0, FABRIC);
    add_key(f, ROW(fleet.fabric.exchange), 1.0, FABRIC);
    add_key(f, ROW(fleet.fabric.reduction), 1.0, FABRIC);
    add_key(f, ROW(fleet.fabric.alpha_s), INFINITY, FABRIC);
    add_key(f, ROW(fleet.fabric.base_s), INFINITY, FABRIC);
    add_key(f, ROW(fleet.fabric.crowding), INFINITY, NOBODY);
    add_key(f, ROW(fleet.fabric.collisions), INFINITY, NOBODY);
    add_key(f, ROW(launch_s), INFINITY, ANYWHERE);
    for (int i = 0; i < library->n_options; i++)
        if (library->options[i].type == MUIR_OPTION_FLOAT)
            add_key(f, ROW(fleet.library) + library->options[i].offset, INFINITY, ANYWHERE);
#undef ROW
}

/* The figure of a key with that value; zero says that there is none. */
static int find_figure(fit *f, int k, double value)
{
    if (value <= 0.0) return -1;
    for (int i = 0; i < f->n_figures; i++)
        if (f->figures[i].key == k && f->figures[i].shipped == value) return i;
    if (f->n_figures == MOST_FIGURES) return -1;
    f->figures[f->n_figures] = (figure){k, value, value, true};
    return f->n_figures++;
}

static int find_source(fit *f, const muir_collective_row *row)
{
    char name[NAME];
    muir_collective_source(row, name, sizeof name);
    for (int s = 0; s < f->n_sources; s++)
        if (strcmp(f->names[s], name) == 0) return s;
    if (f->n_sources == MOST_SOURCES) return MOST_SOURCES - 1;
    memcpy(f->names[f->n_sources], name, sizeof name);
    return f->n_sources++;
}

static muir_status open_fit(muir_ctx *ctx, fit *f)
{
    muir_status st = MUIR_OK;
    const size_t n = (size_t)f->n;
    add_keys(f);
    MUIR_TRY(muir_alloc(ctx, n * (size_t)f->n_keys, sizeof *f->of_row, "a fit", &f->of_row));
    MUIR_TRY(muir_alloc(ctx, n * (size_t)f->n_keys, sizeof *f->jacobian, "a fit", &f->jacobian));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *f->source, "a fit", &f->source));
    MUIR_TRY(muir_alloc(ctx, n, sizeof *f->weight, "a fit", &f->weight));
    MUIR_TRY(muir_alloc(ctx, MOST_SOURCES, sizeof *f->names, "a fit", &f->names));
    MUIR_TRY(muir_alloc(ctx, MOST_FIGURES * MOST_FIGURES, sizeof *f->normal, "a fit", &f->normal));
    MUIR_TRY(muir_alloc(ctx, MOST_FIGURES, sizeof *f->right, "a fit", &f->right));
    for (int i = 0; i < f->n; i++) {
        if (f->rows[i].is_skipped) continue;
        f->source[i] = find_source(f, &f->rows[i]);
        for (int k = 0; k < f->n_keys; k++)
            f->of_row[i * f->n_keys + k] = find_figure(f, k, *place(&f->rows[i], &f->keys[k]));
    }
    for (int i = 0; i < f->n; i++) {
        int same = 0;
        for (int k = 0; k < f->n; k++) same += !f->rows[k].is_skipped && f->source[k] == f->source[i];
        f->weight[i] = same > 0 ? 1.0 / sqrt(same) : 0.0;
    }
done:
    return st;
}

static void put_figures(fit *f, int i)
{
    for (int k = 0; k < f->n_keys; k++) {
        const int at = f->of_row[i * f->n_keys + k];
        if (at >= 0) *place(&f->rows[i], &f->keys[k]) = f->figures[at].value;
    }
}

static double log_error(fit *f, int i)
{
    muir_collective_predict(&f->rows[i]);
    return log(f->rows[i].predicted_s / f->rows[i].real_s);
}

static bool is_in(const fit *f, int i, int out)
{
    return !f->rows[i].is_skipped && f->source[i] != out;
}

/* What the fit makes small, at the figures' values. */
static double cost(fit *f, int out)
{
    double sum = 0.0;
    for (int i = 0; i < f->n; i++) {
        if (!is_in(f, i, out)) continue;
        put_figures(f, i);
        const double u = log_error(f, i) / SPREAD;
        sum += f->weight[i] * log1p(u * u);
    }
    for (int j = 0; j < f->n_figures; j++)
        if (f->figures[j].is_free)
            sum +=
                f->keys[f->figures[j].key].prior * pow(log(f->figures[j].value / f->figures[j].shipped), 2.0);
    return sum;
}

/* Adds a row's share to the normal equations of one step. */
static void add_row(fit *f, int i, int unknowns)
{
    const int *of = &f->of_row[i * f->n_keys];
    double *slope = &f->jacobian[i * f->n_keys];
    put_figures(f, i);
    const double error = log_error(f, i);
    for (int k = 0; k < f->n_keys; k++) {
        slope[k] = 0.0;
        if (of[k] < 0 || !f->figures[of[k]].is_free) continue;
        double *value = place(&f->rows[i], &f->keys[k]);
        *value *= exp(STEP);
        slope[k] = (log_error(f, i) - error) / STEP;
        *value = f->figures[of[k]].value;
    }
    const double u = error / SPREAD, w = f->weight[i] / (1.0 + u * u) / (SPREAD * SPREAD);
    for (int a = 0; a < f->n_keys; a++) {
        if (slope[a] == 0.0) continue;
        const int row = f->column[of[a]];
        f->right[row] -= w * slope[a] * error;
        for (int b = 0; b < f->n_keys; b++)
            if (slope[b] != 0.0) f->normal[row * unknowns + f->column[of[b]]] += w * slope[a] * slope[b];
    }
}

/* Solves the normal equations in place by Cholesky's method. */
static void solve(double *a, double *b, int n)
{
    for (int j = 0; j < n; j++) {
        for (int k = 0; k < j; k++) a[j * n + j] -= a[j * n + k] * a[j * n + k];
        a[j * n + j] = sqrt(fmax(a[j * n + j], 1e-12));
        for (int i = j + 1; i < n; i++) {
            for (int k = 0; k < j; k++) a[i * n + j] -= a[i * n + k] * a[j * n + k];
            a[i * n + j] /= a[j * n + j];
        }
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) b[i] -= a[i * n + k] * b[k];
        b[i] /= a[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) b[i] -= a[k * n + i] * b[k];
        b[i] /= a[i * n + i];
    }
}

static void move(fit *f, const double *from, double share)
{
    for (int j = 0; j < f->n_figures; j++) {
        figure *g = &f->figures[j];
        if (!g->is_free) continue;
        const double by = share * f->right[f->column[j]];
        g->value = fmin(from[j] * exp(fmax(-FARTHEST, fmin(FARTHEST, by))), f->keys[g->key].most);
    }
}

/* One step, halved until it helps; false where none does. */
static bool improve(fit *f, int out, int unknowns, double *best)
{
    double from[MOST_FIGURES];
    memset(f->normal, 0, (size_t)unknowns * (size_t)unknowns * sizeof *f->normal);
    memset(f->right, 0, (size_t)unknowns * sizeof *f->right);
    for (int i = 0; i < f->n; i++)
        if (is_in(f, i, out)) add_row(f, i, unknowns);
    for (int j = 0; j < f->n_figures; j++) {
        from[j] = f->figures[j].value;
        if (!f->figures[j].is_free) continue;
        const int at = f->column[j];
        const double prior = f->keys[f->figures[j].key].prior;
        f->normal[at * unknowns + at] += prior;
        f->right[at] -= prior * log(from[j] / f->figures[j].shipped);
    }
    solve(f->normal, f->right, unknowns);
    for (double share = 1.0; share > 0.02; share *= 0.5) {
        move(f, from, share);
        const double now = cost(f, out);
        if (now < *best) {
            const bool is_much = *best - now > 1e-4 * *best;
            *best = now;
            return is_much;
        }
    }
    move(f, from, 0.0);
    return false;
}

/* Figures that only the source left out has become what other kinds have in their place. */
static int begin(fit *f, int out)
{
    int unknowns = 0;
    for (int j = 0; j < f->n_figures; j++) f->figures[j].is_free = false;
    for (int i = 0; i < f->n; i++)
        for (int k = 0; is_in(f, i, out) && k < f->n_keys; k++)
            if (f->of_row[i * f->n_keys + k] >= 0) f->figures[f->of_row[i * f->n_keys + k]].is_free = true;
    for (int j = 0; j < f->n_figures; j++) {
        figure *g = &f->figures[j];
        g->value = g->shipped;
        if (g->is_free) f->column[j] = unknowns++;
    }
    return unknowns;
}

/* A row with a figure, of the source left out; -1: none. */
static int row_with(const fit *f, int of, int out)
{
    for (int i = 0; i < f->n; i++)
        if (!f->rows[i].is_skipped && f->source[i] == out &&
            f->of_row[i * f->n_keys + f->figures[of].key] == of)
            return i;
    return -1;
}

/* Sources other than `out` whose rows have a figure.
 * transport  in  of the rows that count; NULL: any */
static int sources_of(const fit *f, int of, int out, const char *transport)
{
    bool is_seen[MOST_SOURCES] = {false};
    int n = 0;
    for (int i = 0; i < f->n; i++) {
        if (!is_in(f, i, out) || is_seen[f->source[i]]) continue;
        if (f->of_row[i * f->n_keys + f->figures[of].key] != of) continue;
        if (transport && strcmp(f->rows[i].transport, transport) != 0) continue;
        is_seen[f->source[i]] = true;
        n++;
    }
    return n;
}

/* What others have in a figure's place; 0: there are none. */
static double others_value(const fit *f, int of, int out, const char *transport)
{
    double sum = 0.0;
    int n = 0;
    for (int k = 0; k < f->n_figures; k++) {
        if (f->figures[k].key != f->figures[of].key || !f->figures[k].is_free) continue;
        const int sources = sources_of(f, k, out, transport);
        sum += sources * log(f->figures[k].value);
        n += sources;
    }
    return n > 0 ? exp(sum / n) : 0.0;
}

static void pool(fit *f, int out)
{
    for (int j = 0; j < f->n_figures; j++) {
        figure *g = &f->figures[j];
        const key *k = &f->keys[g->key];
        const int row = g->is_free ? -1 : row_with(f, j, out);
        if (row < 0) continue;
        double value = k->of == FABRIC ? others_value(f, j, out, f->rows[row].transport) : 0.0;
        if (value == 0.0) value = others_value(f, j, out, NULL);
        if (value > 0.0 || k->of == NOBODY) g->value = value;
    }
}

muir_status muir_collectives_leave_out(muir_ctx *ctx, muir_collective_row *rows, int n, int *n_figures)
{
    muir_status st = MUIR_OK;
    fit f = {.rows = rows, .n = n};
    double *predicted = NULL;
    MUIR_TRY(muir_alloc(ctx, (size_t)n, sizeof *predicted, "a fit", &predicted));
    MUIR_TRY(open_fit(ctx, &f));
    for (int out = 0; out < f.n_sources; out++) {
        const int unknowns = begin(&f, out);
        double best = cost(&f, out);
        for (int round = 0; round < ROUNDS; round++)
            if (!improve(&f, out, unknowns, &best)) break;
        pool(&f, out);
        for (int i = 0; i < n; i++) {
            if (rows[i].is_skipped || f.source[i] != out) continue;
            put_figures(&f, i);
            muir_collective_predict(&rows[i]);
            predicted[i] = rows[i].predicted_s;
        }
    }
    for (int i = 0; i < n; i++) {
        if (rows[i].is_skipped) continue;
        rows[i].predicted_s = predicted[i];
        rows[i].error = predicted[i] / rows[i].real_s - 1.0;
    }
    *n_figures = f.n_figures;
done:
    free(predicted);
    free(f.of_row);
    free(f.jacobian);
    free(f.source);
    free(f.weight);
    free(f.names);
    free(f.normal);
    free(f.right);
    return st;
}
