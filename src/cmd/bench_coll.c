/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench coll: all algorithms beside the library's own and the measured choice, in turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/statistics.h"
#include "cmd/bench.h"
#include "collectives/measure.h"
#include "collectives/shared.h"
#include "host_clock/pattern.h"

enum { MOST_ROWS = 32, SMALL_BYTES = 16384, SMALL_CALLS = 20 };

/* One size of one operation: its contenders, their memory and their results. */
typedef struct coll_bench {
    const muir_bench_options *options;
    muir_coll_comm *comm;
    muir_coll_kind kind;
    muir_coll_spec spec;
    int samples, warm_up, calls, n;
    const char *name[MOST_ROWS]; /* of the algorithm, "auto" for the tuner's choice */
    const char *chosen;          /* what auto stands for; NULL: no auto in this table */
    muir_coll_op *op[MOST_ROWS];
    muir_coll_sample sample[MOST_ROWS];
    long long wrong[MOST_ROWS];
    size_t n_send, n_recv;
    float *send, *recv;
} coll_bench;

/* Before each sample every rank writes its whole input anew, so no algorithm lives off an old cache. */
static void change_input(int sample, int contender, void *data)
{
    coll_bench *b = data;
    size_t offset = 0, n = 0;
    const int p = b->comm->size, rank = b->comm->rank;
    if (b->kind == MUIR_ALL_GATHER) muir_coll_block(b->spec.count, p, rank, &offset, &n);
    muir_pattern_fill(b->send, b->n_send, offset, rank, (uint32_t)(sample * MOST_ROWS + contender));
    if (!b->options->is_unchecked) memset(b->recv, 0xff, b->n_recv * sizeof(float));
}

static void check_output(int sample, int contender, void *data)
{
    coll_bench *b = data;
    if (b->options->is_unchecked) return;
    const uint32_t salt = (uint32_t)(sample * MOST_ROWS + contender);
    b->wrong[contender] +=
        (long long)muir_pattern_check(b->kind, b->recv, b->spec.count, b->comm->size, b->comm->rank, salt);
}

static muir_status add_contender(muir_ctx *ctx, coll_bench *b, const muir_coll *coll, const char *name)
{
    muir_status st = MUIR_OK;
    if (!muir_bench_is_wanted(b->options->algorithm, name) || b->n == MOST_ROWS) return MUIR_OK;
    if (muir_coll_op_create(ctx, b->comm, coll, &b->spec, &b->op[b->n]) != MUIR_OK) {
        muir_ctx_clear(ctx); /* not for this type, size or number of ranks */
        return MUIR_OK;
    }
    double *time_s = NULL;
    b->name[b->n] = name;
    b->wrong[b->n] = 0;
    MUIR_TRY(muir_alloc(ctx, (size_t)(b->samples + b->warm_up), sizeof(double), "samples", &time_s));
    b->sample[b->n] = (muir_coll_sample){b->op[b->n], time_s};
    b->n++;
done:
    return st;
}

static muir_status enter(muir_ctx *ctx, coll_bench *b)
{
    muir_status st = MUIR_OK;
    const muir_coll *best = NULL;
    b->chosen = NULL;
    muir_coll_lengths(b->kind, b->spec.count, b->comm->size, b->comm->rank, &b->n_send, &b->n_recv);
    MUIR_TRY(muir_coll_alloc(ctx, b->comm, b->n_send * sizeof(float), &b->send));
    MUIR_TRY(muir_coll_alloc(ctx, b->comm, b->n_recv * sizeof(float), &b->recv));
    for (size_t i = 0; i < muir_coll_count(); i++)
        if (muir_coll_at(i)->kind == b->kind)
            MUIR_TRY(add_contender(ctx, b, muir_coll_at(i), muir_coll_at(i)->name));
    if (muir_bench_is_wanted(b->options->algorithm, "auto")) {
        MUIR_TRY(muir_coll_choose(ctx, b->comm, b->kind, &b->spec, &best));
        b->chosen = best->name;
        MUIR_TRY(add_contender(ctx, b, best, "auto"));
    }
done:
    return st;
}

static void leave(coll_bench *b)
{
    for (int i = 0; i < b->n; i++) {
        muir_coll_op_destroy(&b->op[i]);
        free(b->sample[i].time_s);
    }
    muir_coll_free(b->comm, b->send);
    muir_coll_free(b->comm, b->recv);
    b->send = b->recv = NULL;
    b->n = 0;
}

static void add_row(coll_bench *b, int i)
{
    double *time_s = b->sample[i].time_s + b->warm_up;
    const size_t n = (size_t)b->samples;
    const double bytes = 4.0 * (double)b->spec.count;
    muir_sort(time_s, n);
    const double p50 = muir_percentile(time_s, n, 0.5), p95 = muir_percentile(time_s, n, 0.95);
    const double p99 = muir_percentile(time_s, n, 0.99);
    const double algbw = bytes / p50, busbw = algbw * muir_busbw_factor(b->kind, b->comm->size);
    const bool is_auto = strcmp(b->name[i], "auto") == 0;
    if (b->options->is_table)
        printf("%14s %12.0f %12zu %5s %20s %10.2f %10.2f %10.2f %8.3f %8.3f %6lld%s%s\n",
               muir_coll_kind_name(b->kind), bytes, b->spec.count, muir_dtype_name(b->spec.dtype), b->name[i],
               1e6 * p50, 1e6 * p95, 1e6 * p99, 1e-9 * algbw, 1e-9 * busbw, b->wrong[i], is_auto ? "  " : "",
               is_auto ? b->chosen : "");
    json_array_append_new(b->options->rows,
                          json_pack("{s:s,s:s,s:f,s:s,s:i,s:f,s:f,s:f,s:f,s:f,s:I}", "op",
                                    muir_coll_kind_name(b->kind), "algorithm", b->name[i], "bytes", bytes,
                                    "dtype", muir_dtype_name(b->spec.dtype), "ranks", b->comm->size, "time_s",
                                    p50, "p95_s", p95, "p99_s", p99, "algbw_byte_per_s", algbw,
                                    "busbw_byte_per_s", busbw, "wrong", (json_int_t)b->wrong[i]));
}

static muir_status bench_size(muir_ctx *ctx, coll_bench *b, long long bytes)
{
    muir_status st = MUIR_OK;
    b->spec = (muir_coll_spec){
        .count = (size_t)(bytes / 4 > 0 ? bytes / 4 : 1), .dtype = MUIR_FP32, .reduce = MUIR_SUM};
    b->calls = bytes <= SMALL_BYTES ? SMALL_CALLS : 1;
    MUIR_TRY(enter(ctx, b));
    MUIR_TRY(muir_coll_measure(ctx, b->comm, b->sample, b->n, b->samples + b->warm_up, b->calls, b->send,
                               b->recv, change_input, check_output, b));
    if (b->n > 0)
        MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, b->wrong, b->n, MPI_LONG_LONG, MPI_SUM, b->comm->comm));
    for (int i = 0; i < b->n && muir_is_root(ctx); i++) add_row(b, i);
    fflush(stdout);
done:
    leave(b);
    return st;
}

static muir_status find_kind(muir_ctx *ctx, const char *name, bool wanted[MUIR_COLL_KIND_COUNT])
{
    bool is_found = false;
    for (int k = 0; k < MUIR_COLL_KIND_COUNT; k++) {
        wanted[k] = !name || strcmp(name, muir_coll_kind_name((muir_coll_kind)k)) == 0;
        is_found = is_found || wanted[k];
    }
    if (is_found) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG, "--op '%s' is no operation (see muir list collectives)", name);
}

static muir_status run(muir_ctx *ctx, const muir_bench_options *o)
{
    muir_status st = MUIR_OK;
    bool wanted[MUIR_COLL_KIND_COUNT];
    coll_bench b = {.options = o,
                    .samples = (int)muir_bench_or(o->iters, 20),
                    .warm_up = o->warm_up < 0 ? 3 : (int)o->warm_up};
    const long long min = muir_bench_or(o->min, 1024),
                    max = muir_bench_or(o->max, min > (16 << 20) ? min : 16 << 20);
    const long long factor = muir_bench_or(o->factor, 4);
    MUIR_TRY(find_kind(ctx, o->op, wanted));
    if (o->dtype && strcmp(o->dtype, "fp32") != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "-d is '%s', but must be fp32", o->dtype));
    MUIR_TRY(muir_coll_comm_create(ctx, ctx->comm, &b.comm));
    if (o->is_table)
        printf("# %d ranks, %d samples in turns after %d of warm-up, buffers changed before each; times of "
               "the slowest rank\n"
               "#           op     size (B)        count  type            algorithm   p50 (us)   p95 (us)   "
               "p99 (us)    algbw    "
               "busbw  wrong\n",
               ctx->size, b.samples, b.warm_up);
    for (int k = 0; k < MUIR_COLL_KIND_COUNT; k++)
        for (long long bytes = min; wanted[k] && bytes <= max; bytes *= factor) {
            b.kind = (muir_coll_kind)k;
            if (b.kind != MUIR_SEND_RECV) MUIR_TRY(bench_size(ctx, &b, bytes));
        }
done:
    muir_coll_comm_destroy(&b.comm);
    return st;
}

const muir_bench muir_bench_coll = {.name = "coll", .run = run};
