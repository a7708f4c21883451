/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of muir bench coll, and its rows as JSON. */
#include <stdio.h>
#include <string.h>

#include "base/statistics.h"
#include "bench/bench_coll.h"

void muir_coll_bench_head(const muir_coll_bench *b)
{
    printf(
        "# %d ranks, at most %lld samples in turns after %d of warm-up, input changed before each; times of "
        "the slowest\n"
        "# rank. (copy): every rank copies S bytes at the same time. `of copy`: least time by that yardstick "
        "over p50, where\n"
        "# least time = t(copy) for all_reduce, all_gather, all_to_all and broadcast (S read and S written a "
        "rank),\n"
        "# t(copy) (p + 1) / 2p for reduce_scatter and reduce. mem: R shared buffers, - plain memory; i in "
        "place\n"
        "%14s %12s %12s %5s %4s %3s %20s %10s %10s %10s %8s %8s %8s %6s\n",
        b->comm->size, b->most_samples, b->warm_up, "#           op", "size (B)", "count", "type", "red",
        "mem", "algorithm", "p50 (us)", "p95 (us)", "p99 (us)", "algbw", "busbw", "of copy", "wrong");
}

static bool is_reducing(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_REDUCE_SCATTER || kind == MUIR_REDUCE;
}

typedef struct result {
    double p50_s, p95_s, p99_s, algbw, busbw;
    double bound_s; /* least time by the copy */
} result;

/* The copy is row 0, so its times are sorted before the others ask for its median. */
static result result_of(const muir_coll_bench *b, int i)
{
    double *time_s = b->sample[i].time_s + b->warm_up, *copy_s = b->sample[0].time_s + b->warm_up;
    const size_t n = (size_t)b->samples;
    const double bytes = (double)(b->spec.count * muir_dtype_bytes(b->spec.dtype));
    result r;
    muir_sort(time_s, n);
    r.p50_s = muir_percentile(time_s, n, 0.5);
    r.p95_s = muir_percentile(time_s, n, 0.95);
    r.p99_s = muir_percentile(time_s, n, 0.99);
    r.algbw = bytes / r.p50_s;
    r.busbw = b->op[i] ? r.algbw * muir_busbw_factor(b->kind, b->comm->size) : r.algbw;
    r.bound_s = muir_percentile(copy_s, n, 0.5) * muir_coll_copies(b->kind, b->comm->size);
    return r;
}

static void print(const muir_coll_bench *b, int i, const result *r)
{
    const char *name = b->name[i];
    const bool is_auto = strcmp(name, "auto") == 0;
    char mem[4], share[16] = "", wrong[24] = "";
    snprintf(mem, sizeof mem, "%s%s", b->is_registered ? "R" : "-", b->is_in_place ? "i" : "");
    if (b->op[i]) snprintf(share, sizeof share, "%.0f %%", 100.0 * r->bound_s / r->p50_s);
    if (b->op[i] && !b->options->is_unchecked) snprintf(wrong, sizeof wrong, "%lld", b->wrong[i]);
    printf("%14s %12zu %12zu %5s %4s %3s %20s %10.2f %10.2f %10.2f %8.3f %8.3f %8s %6s%s%s\n",
           muir_coll_kind_name(b->kind), b->spec.count * muir_dtype_bytes(b->spec.dtype), b->spec.count,
           muir_dtype_name(b->spec.dtype), is_reducing(b->kind) ? muir_reduce_name(b->spec.reduce) : "", mem,
           b->op[i] ? name : "(copy)", 1e6 * r->p50_s, 1e6 * r->p95_s, 1e6 * r->p99_s, 1e-9 * r->algbw,
           1e-9 * r->busbw, share, wrong, is_auto ? "  " : "", is_auto ? b->choice.coll->name : "");
    fflush(stdout);
}

void muir_coll_bench_row(const muir_coll_bench *b, int i)
{
    const result r = result_of(b, i);
    const bool is_auto = strcmp(b->name[i], "auto") == 0;
    if (b->options->is_table) print(b, i, &r);
    if (!b->op[i]) return; /* the copy is in the rows as their bound */
    json_t *row = json_pack(
        "{s:s,s:s,s:f,s:s,s:s,s:i,s:b,s:b,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:i,s:I}", "op",
        muir_coll_kind_name(b->kind), "algorithm", b->name[i], "bytes",
        (double)(b->spec.count * muir_dtype_bytes(b->spec.dtype)), "dtype", muir_dtype_name(b->spec.dtype),
        "reduce", is_reducing(b->kind) ? muir_reduce_name(b->spec.reduce) : "none", "ranks", b->comm->size,
        "registered", b->is_registered, "in_place", b->is_in_place, "time_s", r.p50_s, "p95_s", r.p95_s,
        "p99_s", r.p99_s, "algbw_byte_per_s", r.algbw, "busbw_byte_per_s", r.busbw, "bound_s", r.bound_s,
        "bound_share", r.bound_s / r.p50_s, "samples", b->samples, "wrong", (json_int_t)b->wrong[i]);
    if (is_auto) json_object_set_new(row, "chosen", json_string(b->choice.coll->name));
    json_array_append_new(b->options->rows, row);
}
