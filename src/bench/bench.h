/* SPDX-License-Identifier: BSD-3-Clause */
/* Benchmarks: rows of one table, with the letters that nccl-tests users know. */
#ifndef MUIR_BENCH_BENCH_H
#define MUIR_BENCH_BENCH_H

#include <jansson.h>

#include "base/ctx.h"

/* What the user asked for; 0 or NULL where nothing was said and the benchmark's own default holds. */
typedef struct muir_bench_options {
    long long min, max, factor, iters, warm_up; /* -b -e -f -n -w; warm_up -1: nothing was said */
    long long step, most_ms, threads;           /* -i, --ms, -t */
    const char *dtype, *reduce;                 /* -d, -o */
    const char *registered, *in_place;          /* -R, --in_place: 0, 1 or all */
    const char *tuning;                         /* --tuning: a table for `auto` */
    const char *op, *algorithm;                 /* --op, --algorithm: only these */
    const char *file;                           /* --file: a collective that it holds */
    const char *folder;                         /* --folder: where to write */
    const char *model;                          /* --model: products of this one */
    bool is_unchecked;                          /* -c 0 */
    bool is_table;                              /* print rows for people */
    json_t *rows;                               /* array to which rank 0 adds its rows */
} muir_bench_options;

/* A benchmark: one file and one row of benches.def. */
typedef struct muir_bench {
    const char *name;
    const char *takes; /* options that mean something to it, with blanks around each: " -b -e " */
    /* Collective over ctx->comm. */
    muir_status (*run)(muir_ctx *ctx, const muir_bench_options *options);
} muir_bench;

int muir_bench_count(void);
const muir_bench *muir_bench_at(int i);
const muir_bench *muir_bench_find(const char *name); /* NULL if unknown, or for NULL */

/* given, or fallback where nothing was said. Local. */
long long muir_bench_or(long long given, long long fallback);

/* Whether a name is in a list with commas, or there is no list. Local. */
bool muir_bench_is_wanted(const char *list, const char *name);

#endif
