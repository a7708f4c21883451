/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench coll: all algorithms beside the library's own and the measured choice, in turns. */
#include "bench/bench_coll.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KNOWN_SIZE = 300 };

/* What the options ask for, one after the other. */
typedef struct coll_ranges {
    bool kinds[MUIR_COLL_KIND_COUNT], dtypes[MUIR_DTYPE_COUNT], reduces[MUIR_REDUCE_COUNT];
    bool registered[2], in_place[2]; /* [0]: without, [1]: with */
    long long min, max, factor, step;
} coll_ranges;

static const char *kind_name(int i)
{
    return muir_coll_kind_name((muir_coll_kind)i);
}

static const char *dtype_name(int i)
{
    return muir_dtype_name((muir_dtype)i);
}

static const char *reduce_name(int i)
{
    return muir_reduce_name((muir_reduce)i);
}

static const char *flag_name(int i)
{
    return i ? "1" : "0";
}

/* Marks the names of a list `a,b` or `all`.
 * given   in   NULL: `usual`
 * name    in   of the n things that may be meant
 * is_not  in   [n] true where a thing cannot be meant */
static muir_status read_list(muir_ctx *ctx, const char *option, const char *given, const char *usual,
                             const char *(*name)(int), int n, const bool *is_not, bool *wanted)
{
    char known[KNOWN_SIZE] = "";
    const char *list = given ? given : usual;
    const bool is_all = strcmp(list, "all") == 0;
    for (int i = 0; i < n; i++) {
        const size_t used = strlen(known);
        wanted[i] = !is_not[i] && (is_all || muir_bench_is_wanted(list, name(i)));
        if (!is_not[i]) snprintf(known + used, sizeof known - used, "%s, ", name(i));
    }
    for (const char *p = list; *p && !is_all;) {
        const size_t length = strcspn(p, ",");
        bool is_known = false;
        for (int i = 0; i < n && !is_known; i++)
            is_known = !is_not[i] && strlen(name(i)) == length && strncmp(p, name(i), length) == 0;
        if (!is_known)
            return muir_fail(ctx, MUIR_ERR_ARG, "%s '%.*s' is unknown; known: %sall", option, (int)length, p,
                             known);
        p += length + (p[length] == ',');
    }
    return MUIR_OK;
}

static bool has_rows(muir_coll_kind kind)
{
    for (size_t i = 0; i < muir_coll_count(); i++)
        if (muir_coll_at(i)->kind == kind) return true;
    return false;
}

static muir_status check_algorithms(muir_ctx *ctx, const char *list)
{
    for (const char *p = list; p && *p;) {
        const size_t length = strcspn(p, ",");
        bool is_known = length == 4 && strncmp(p, "auto", length) == 0;
        for (size_t i = 0; i < muir_coll_count() && !is_known; i++) {
            const char *name = muir_coll_at(i)->name;
            is_known = strlen(name) == length && strncmp(p, name, length) == 0;
        }
        if (!is_known)
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "--algorithm '%.*s' is unknown; known: auto and the names of muir list "
                             "collectives",
                             (int)length, p);
        p += length + (p[length] == ',');
    }
    return MUIR_OK;
}

static muir_status read_ranges(muir_ctx *ctx, const muir_bench_options *o, coll_ranges *r)
{
    muir_status st = MUIR_OK;
    bool no_kind[MUIR_COLL_KIND_COUNT], no_dtype[MUIR_DTYPE_COUNT], none[MUIR_REDUCE_COUNT] = {false};
    for (int k = 0; k < MUIR_COLL_KIND_COUNT; k++) no_kind[k] = !has_rows((muir_coll_kind)k);
    for (int d = 0; d < MUIR_DTYPE_COUNT; d++) no_dtype[d] = !muir_reduce_find((muir_dtype)d, MUIR_SUM);
    MUIR_TRY(read_list(ctx, "--op", o->op, "all", kind_name, MUIR_COLL_KIND_COUNT, no_kind, r->kinds));
    MUIR_TRY(read_list(ctx, "-d", o->dtype, "fp32", dtype_name, MUIR_DTYPE_COUNT, no_dtype, r->dtypes));
    MUIR_TRY(read_list(ctx, "-o", o->reduce, "sum", reduce_name, MUIR_REDUCE_COUNT, none, r->reduces));
    MUIR_TRY(read_list(ctx, "-R", o->registered, "1", flag_name, 2, none, r->registered));
    MUIR_TRY(read_list(ctx, "--in_place", o->in_place, "0", flag_name, 2, none, r->in_place));
    MUIR_TRY(check_algorithms(ctx, o->algorithm));
    r->min = muir_bench_or(o->min, 1024);
    r->max = muir_bench_or(o->max, r->min > (16 << 20) ? r->min : 16 << 20);
    if (r->max < r->min) MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "-e %lld is below -b %lld", r->max, r->min));
    if (o->step > 0 && o->factor > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "-i and -f both say how sizes grow: give one"));
    r->factor = o->step > 0 ? 1 : muir_bench_or(o->factor, 4);
    r->step = o->step;
done:
    return st;
}

static bool is_reducing(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_REDUCE_SCATTER || kind == MUIR_REDUCE;
}

/* Kinds for which coll.h allows one buffer for input and output. */
static bool can_be_in_place(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_ALL_GATHER || kind == MUIR_BROADCAST;
}

static muir_status run_size(muir_ctx *ctx, muir_coll_bench *b, const coll_ranges *r, long long bytes)
{
    muir_status st = MUIR_OK;
    const size_t count = (size_t)bytes / muir_dtype_bytes(b->spec.dtype);
    b->spec.count = count > 0 || b->kind == MUIR_BARRIER ? count : 1;
    for (int with = 1; with >= 0; with--)
        for (int in = 0; in < 2; in++) {
            b->is_registered = with;
            b->is_in_place = in;
            if (!r->registered[with] || !r->in_place[in] || (in && !can_be_in_place(b->kind))) continue;
            MUIR_TRY(muir_coll_bench_point(ctx, b));
        }
done:
    return st;
}

static muir_status run_kind(muir_ctx *ctx, muir_coll_bench *b, const coll_ranges *r)
{
    muir_status st = MUIR_OK;
    for (int d = 0; d < MUIR_DTYPE_COUNT; d++)
        for (int o = 0; o < MUIR_REDUCE_COUNT; o++) {
            const bool is_wanted = is_reducing(b->kind) ? r->reduces[o] : o == 0;
            if (!r->dtypes[d] || !is_wanted) continue;
            b->spec = (muir_coll_spec){.dtype = (muir_dtype)d, .reduce = (muir_reduce)o, .file = b->file};
            if (b->kind == MUIR_BARRIER) return run_size(ctx, b, r, 0); /* it has no data */
            for (long long bytes = r->min; bytes <= r->max; bytes = bytes * r->factor + r->step)
                MUIR_TRY(run_size(ctx, b, r, bytes));
        }
done:
    return st;
}

/* Every rank reads the file: what it says has to be the same on all. */
static muir_status load_file(muir_ctx *ctx, const muir_bench_options *o, muir_coll_bench *b)
{
    double share = 0.0;
    int rounds = 0;
    muir_status st = muir_coll_file_create(ctx, o->file, &b->file);
    if (st == MUIR_OK && b->file->ranks != b->comm->size)
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s is written for %d ranks, but there are %d", o->file,
                       b->file->ranks, b->comm->size);
    if ((st = muir_agree(ctx, st)) != MUIR_OK) return st;
    muir_coll_file_cost(b->file, &share, &rounds);
    if (o->is_table)
        printf("# %s: %s %s, checked; %d rounds of messages, in which the busiest rank sends %.3g S\n",
               o->file, muir_coll_kind_name(b->file->coll.kind), b->file->name, rounds, share);
    return MUIR_OK;
}

static muir_status run(muir_ctx *ctx, const muir_bench_options *o)
{
    muir_status st = MUIR_OK;
    coll_ranges r;
    muir_tuning_facts facts;
    muir_coll_bench b = {.options = o,
                         .most_samples = muir_bench_or(o->iters, 20),
                         .warm_up = o->warm_up < 0 ? 3 : (int)o->warm_up,
                         .most_s = o->most_ms > 0 ? 1e-3 * (double)o->most_ms : INFINITY};
    MUIR_TRY(read_ranges(ctx, o, &r));
    MUIR_TRY(muir_coll_comm_create(ctx, ctx->comm, &b.comm));
    if (o->tuning) MUIR_TRY(muir_tuning_create(ctx, o->tuning, &b.tuning));
    if (o->file) MUIR_TRY(load_file(ctx, o, &b));
    if (o->is_table) muir_coll_bench_head(&b);
    for (int k = 0; k < MUIR_COLL_KIND_COUNT; k++) {
        b.kind = (muir_coll_kind)k;
        if (r.kinds[k]) MUIR_TRY(run_kind(ctx, &b, &r));
    }
    if (b.tuning) MUIR_TRY(muir_tuning_finish(ctx, b.tuning, &facts));
    if (b.tuning && o->is_table)
        printf("# tuning table %s: %d choices measured, %d reused, %d rows of other hosts left alone\n",
               o->tuning, facts.measured, facts.reused, facts.others);
done:
    muir_coll_file_destroy(&b.file);
    muir_tuning_destroy(&b.tuning);
    muir_coll_comm_destroy(&b.comm);
    return st;
}

const muir_bench muir_bench_coll = {
    .name = "coll",
    .takes = " -b -e -f -i -n -w --ms -d -o -R --in_place --tuning -c --op --algorithm --file ",
    .run = run};
