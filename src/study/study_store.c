/* SPDX-License-Identifier: BSD-3-Clause */
/* Cases to and from the cube: cells over the study's axes, ends of sensitivities over key and end. */
#include "study/study_store.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/build.h"
#include "base/mem.h"
#include "io/cube.h"

typedef struct field {
    const char *names[2]; /* of cells, of ends of sensitivities */
    const char *units, *long_name;
    muir_provenance provenance;
} field;

#define ROW(name, units, provenance, help) {{#name, "sensitivity_" #name}, units, help, MUIR_##provenance},
static const field draws[] = {
#define MEASURE(name, units, value, help) ROW(name, units, MODELLED, help)
#include "study/ensemble.def"
#undef MEASURE
};
static const field counts[] = {
#define COUNT(name, units, member, provenance, help) ROW(name, units, provenance, help)
#define REAL(name, units, member, provenance, help)
#include "study/study.def"
#undef REAL
#undef COUNT
    ROW(is_done, "1", MODELLED, "1: the case is done; 0: an interrupted study has still to do it")
        ROW(inputs, "1", INPUT, "checksum of what the case starts from, data files included")};
static const field reals[] = {
#define COUNT(name, units, member, provenance, help)
#define REAL(name, units, member, provenance, help) ROW(name, units, provenance, help)
#include "study/study.def"
#undef REAL
#undef COUNT
};
static const field texts[] = {
    ROW(overrides, "1", MODELLED, "arguments of muir run after the scenario that make this case")};

#define N(array) (int)(sizeof(array) / sizeof(array)[0])
enum { PARTS = 2, VARIABLES = PARTS * (N(draws) + N(counts) + N(reals) + N(texts)) };
#define DIMENSIONS (MUIR_STUDY_AXES + 3)

/* Cells, or ends of sensitivities. */
typedef struct part {
    int n;
    int n_dims, dims[MUIR_CUBE_DIMENSIONS]; /* without the draws */
    double *draws;                          /* [measures, n, seeds] */
    double *reals;                          /* [reals, n] */
    int64_t *counts;                        /* [counts, n] */
    char **texts;                           /* [n] */
} part;

struct muir_study_store {
    const muir_study *study; /* borrowed */
    muir_cube_file *file;    /* on rank 0 */
    char axis_names[MUIR_STUDY_AXES][MUIR_NAME_SIZE];
    const char *labels[MUIR_STUDY_AXES + 1][MUIR_STUDY_VALUES]; /* of axes, then of keys */
    muir_cube_dimension dimensions[DIMENSIONS];
    int n_dimensions, draw;
    part parts[PARTS];
    muir_cube_variable variables[VARIABLES];
    int n_variables;
    muir_attribute attributes[8];
    char *identity;
};

/* What makes the file one of this study. */
static muir_status write_identity(muir_ctx *ctx, const muir_study *s, char **text)
{
    static const char *const bys[] = {"step", "tokens", "cost"};
    size_t size = 0;
    FILE *out = open_memstream(text, &size);
    if (!out) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the study");
    fprintf(out, "scenario: %s\noverrides: %s\nlayout: %s\nby: %s\nbounds: %s\nseeds: %lld\n", s->scenario,
            s->overrides, s->is_best ? "best" : "given", bys[s->by], s->bounds, (long long)s->seeds);
    for (int a = 0; a < s->n_axes; a++)
        for (int i = 0; i < s->axes[a].n; i++)
            fprintf(out, "axes: %s: %s: %s\n", s->axes[a].name, s->axes[a].values[i].label,
                    s->axes[a].values[i].overrides);
    for (int i = 0; i < s->sensitivity.n; i++)
        fprintf(out, "sensitivity: %s: %s\n", s->sensitivity.values[i].label,
                s->sensitivity.values[i].overrides);
    return fclose(out) == 0 ? MUIR_OK : muir_fail(ctx, MUIR_ERR_MEM, "no memory for the study");
}

static bool is_taken(const muir_study_store *s, const char *name, int axes)
{
    static const char *const others[] = {"draw", "key", "end"};
    bool is = false;
    for (int i = 0; i < N(others); i++) is |= strcmp(others[i], name) == 0;
    for (int i = 0; i < N(draws); i++) is |= strcmp(draws[i].names[0], name) == 0;
    for (int i = 0; i < N(counts); i++) is |= strcmp(counts[i].names[0], name) == 0;
    for (int i = 0; i < N(reals); i++) is |= strcmp(reals[i].names[0], name) == 0;
    for (int i = 0; i < N(texts); i++) is |= strcmp(texts[i].names[0], name) == 0;
    for (int a = 0; a < axes; a++) is |= strcmp(s->axis_names[a], name) == 0;
    return is;
}

/* netCDF's names: letters, digits and underscores; "chips and batch" is chips_and_batch. */
static void name_axis(muir_study_store *s, int a)
{
    char *name = s->axis_names[a];
    snprintf(name, MUIR_NAME_SIZE - 8, "%s", s->study->axes[a].name);
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c)) *c = '_';
    if (!isalpha((unsigned char)name[0])) name[0] = 'x';
    while (is_taken(s, name, a) && strlen(name) + 2 < MUIR_NAME_SIZE) strcat(name, "_");
}

static void add_labels(muir_study_store *s, int list, const char *name, const char *help,
                       const muir_study_axis *axis)
{
    for (int i = 0; i < axis->n; i++) s->labels[list][i] = axis->values[i].label;
    s->dimensions[s->n_dimensions++] =
        (muir_cube_dimension){{name, "1", help, MUIR_INPUT}, (size_t)axis->n, s->labels[list]};
}

static void make_dimensions(muir_study_store *s)
{
    static const char *const ends[] = {"low", "high"};
    const muir_study *study = s->study;
    for (int a = 0; a < study->n_axes; a++) {
        name_axis(s, a);
        s->parts[0].dims[s->parts[0].n_dims++] = s->n_dimensions;
        add_labels(s, a, s->axis_names[a], "axis of the study", &study->axes[a]);
    }
    s->draw = s->n_dimensions;
    s->dimensions[s->n_dimensions++] =
        (muir_cube_dimension){{"draw", "1", "draw: its seed is the scenario's plus this number", MUIR_INPUT},
                              (size_t)study->seeds,
                              NULL};
    if (study->sensitivity.n == 0) return;
    s->parts[1].n_dims = 2;
    s->parts[1].dims[0] = s->n_dimensions;
    s->parts[1].dims[1] = s->n_dimensions + 1;
    add_labels(s, study->n_axes, "key", "key whose low and high value are tried on the first cell",
               &study->sensitivity);
    s->dimensions[s->n_dimensions++] =
        (muir_cube_dimension){{"end", "1", "low or high value of the key", MUIR_INPUT}, 2, ends};
}

static void add_variables(muir_study_store *s, int which, const field *fields, int n, muir_value_type type,
                          const void *values, size_t each, bool has_draws)
{
    const part *p = &s->parts[which];
    for (int i = 0; i < n; i++) {
        muir_cube_variable *v = &s->variables[s->n_variables++];
        const field *f = &fields[i];
        *v = (muir_cube_variable){.label = {f->names[which], f->units, f->long_name, f->provenance},
                                  .type = type,
                                  .n_dims = p->n_dims};
        memcpy(v->dims, p->dims, sizeof v->dims);
        if (has_draws) v->dims[v->n_dims++] = s->draw;
        v->values = (const char *)values + (size_t)i * each;
    }
}

static muir_status make_part(muir_ctx *ctx, muir_study_store *s, int which, int n)
{
    muir_status st = MUIR_OK;
    part *p = &s->parts[which];
    const size_t cases = (size_t)n, seeds = (size_t)s->study->seeds;
    p->n = n;
    if (n == 0) return MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, N(draws) * cases * seeds, sizeof *p->draws, "the study", &p->draws));
    MUIR_TRY(muir_alloc(ctx, N(reals) * cases, sizeof *p->reals, "the study", &p->reals));
    MUIR_TRY(muir_alloc(ctx, N(counts) * cases, sizeof *p->counts, "the study", &p->counts));
    MUIR_TRY(muir_alloc(ctx, cases, sizeof *p->texts, "the study", &p->texts));
    add_variables(s, which, draws, N(draws), MUIR_F64, p->draws, cases * seeds * sizeof *p->draws, true);
    add_variables(s, which, counts, N(counts), MUIR_I64, p->counts, cases * sizeof *p->counts, false);
    add_variables(s, which, reals, N(reals), MUIR_F64, p->reals, cases * sizeof *p->reals, false);
    add_variables(s, which, texts, N(texts), MUIR_TEXT, p->texts, cases * sizeof *p->texts, false);
done:
    return st;
}

/* Numbers of a case in the order of the tables, to the part (is_read: from it). */
static void move_case(part *p, int i, int64_t seeds, muir_study_case *c, bool is_read)
{
    int count = 0, real = 0;
    int64_t is_done = c->is_done;
#define MOVE(place, value)                                                                                   \
    if (is_read)                                                                                             \
        (value) = (place);                                                                                   \
    else                                                                                                     \
        (place) = (value);
#define COUNT(name, units, member, provenance, help) MOVE(p->counts[count * p->n + i], c->member) count++;
#define REAL(name, units, member, provenance, help) MOVE(p->reals[real * p->n + i], c->member) real++;
#include "study/study.def"
#undef REAL
#undef COUNT
    MOVE(p->counts[count * p->n + i], is_done) count++;
    MOVE(p->counts[count * p->n + i], c->inputs)
    for (int m = 0; m < N(draws); m++)
        for (int64_t d = 0; d < seeds; d++)
            MOVE(p->draws[((int64_t)m * p->n + i) * seeds + d], c->values[d * MUIR_MEASURE_COUNT + m])
#undef MOVE
    c->is_done = is_done != 0;
}

/* What was not computed is not 0. */
static void clear_case(part *p, int i, int64_t seeds)
{
    for (int r = 0; r < N(reals); r++) p->reals[r * p->n + i] = NAN;
    for (int m = 0; m < N(draws); m++)
        for (int64_t d = 0; d < seeds; d++) p->draws[((int64_t)m * p->n + i) * seeds + d] = NAN;
}

static void gather(muir_study_store *s, const muir_study_result *r)
{
    const int64_t seeds = s->study->seeds;
    for (int i = 0; i < r->n; i++) {
        part *p = &s->parts[i >= r->n_cells];
        const int at = i >= r->n_cells ? i - r->n_cells : i;
        move_case(p, at, seeds, &r->cases[i], false);
        p->texts[at] = r->cases[i].overrides;
        if (!r->cases[i].is_done) clear_case(p, at, seeds);
    }
}

/* On rank 0. */
static muir_status read_old(muir_ctx *ctx, muir_study_store *s, muir_study_result *r)
{
    muir_status st = MUIR_OK;
    char *stored = NULL;
    if (muir_cube_file_read_text(ctx, s->file, "study_identity", &stored) != MUIR_OK ||
        strcmp(stored, s->identity) != 0) {
        muir_ctx_clear(ctx);
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "--resume: the file is not one of this study as it is now"));
    }
    for (int v = 0; v < s->n_variables; v++) {
        const muir_cube_variable *variable = &s->variables[v];
        size_t n = 1;
        for (int d = 0; d < variable->n_dims; d++) n *= s->dimensions[variable->dims[d]].size;
        MUIR_TRY(muir_cube_file_read(ctx, s->file, variable->label.name, variable->type, n,
                                     (void *)(uintptr_t)variable->values));
    }
    for (int i = 0; i < r->n; i++) {
        muir_study_case *c = &r->cases[i];
        part *p = &s->parts[i >= r->n_cells];
        const int at = i >= r->n_cells ? i - r->n_cells : i;
        move_case(p, at, s->study->seeds, c, true);
        snprintf(c->overrides, sizeof c->overrides, "%s", p->texts[at]);
        free(p->texts[at]);
        p->texts[at] = NULL;
        if (c->is_done) MUIR_TRY(muir_spreads_of(ctx, c->values, s->study->seeds, c->spread));
    }
done:
    free(stored);
    return st;
}

static muir_status fill(muir_ctx *ctx, const muir_study_request *request, muir_study_result *r,
                        muir_study_store *s)
{
    muir_status st = MUIR_OK;
    const struct {
        const char *key, *text;
    } said[] = {{"title", request->name},
                {"description", request->study->description},
                {"history", request->history},
                {"source", "muir: an emulator of distributed training; nothing of a study is executed"},
                {"muir_version", MUIR_VERSION},
                {"build", muir_build_text()},
                {"scenario", request->study->scenario}};
    MUIR_TRY(write_identity(ctx, request->study, &s->identity));
    for (int i = 0; i < N(said); i++)
        s->attributes[i] = (muir_attribute){"", NULL, said[i].key, MUIR_TEXT, 0, said[i].text};
    s->attributes[N(said)] = (muir_attribute){"", NULL, "study_identity", MUIR_TEXT, 0, s->identity};
    make_dimensions(s);
    MUIR_TRY(make_part(ctx, s, 0, r->n_cells));
    MUIR_TRY(make_part(ctx, s, 1, r->n - r->n_cells));
    MUIR_TRY(muir_cube_file_create(ctx, request->claim, &s->file));
    if (muir_cube_file_is_old(s->file)) MUIR_TRY(read_old(ctx, s, r));
done:
    return st;
}

muir_status muir_study_store_create(muir_ctx *ctx, const muir_study_request *request,
                                    muir_study_result *result, muir_study_store **out)
{
    muir_status st = MUIR_OK;
    muir_study_store *s = NULL;
    st = muir_alloc(ctx, 1, sizeof *s, "the study", &s);
    if (st == MUIR_OK) s->study = request->study;
    if (st == MUIR_OK && muir_is_root(ctx)) st = fill(ctx, request, result, s);
    MUIR_TRY(muir_agree(ctx, st));
    for (int i = 0; i < result->n; i++) {
        int64_t known[2] = {result->cases[i].is_done, result->cases[i].inputs};
        MUIR_TRY_MPI(MPI_Bcast(known, 2, MPI_INT64_T, 0, ctx->comm));
        result->cases[i].is_done = known[0] != 0;
        result->cases[i].inputs = known[1];
    }
    *out = s;
    s = NULL;
done:
    muir_study_store_destroy(&s);
    return st;
}

void muir_study_store_destroy(muir_study_store **store)
{
    muir_study_store *s = *store;
    if (!s) return;
    muir_cube_file_destroy(&s->file);
    for (int i = 0; i < PARTS; i++) {
        free(s->parts[i].draws);
        free(s->parts[i].reals);
        free(s->parts[i].counts);
        free(s->parts[i].texts);
    }
    free(s->identity);
    free(s);
    *store = NULL;
}

muir_status muir_study_store_save(muir_ctx *ctx, muir_study_store *store, const muir_study_result *result)
{
    muir_status st = MUIR_OK;
    if (!store) return MUIR_OK;
    if (muir_is_root(ctx)) {
        const muir_cube cube = {.dimensions = store->dimensions,
                                .n_dimensions = (size_t)store->n_dimensions,
                                .variables = store->variables,
                                .n_variables = (size_t)store->n_variables,
                                .attributes = store->attributes,
                                .n_attributes = sizeof store->attributes / sizeof store->attributes[0]};
        gather(store, result);
        st = muir_cube_file_save(ctx, store->file, &cube);
    }
    return muir_agree(ctx, st);
}
