/* SPDX-License-Identifier: BSD-3-Clause */
/* One point of muir bench coll: an operation, type and size with all its contenders. Private to it. */
#ifndef MUIR_BENCH_BENCH_COLL_H
#define MUIR_BENCH_BENCH_COLL_H

#include "bench/bench.h"
#include "collectives/file.h"
#include "collectives/measure.h"
#include "collectives/payload.h"
#include "tuning/tuning.h"

enum { MUIR_BENCH_ROWS = 40 };

typedef struct muir_coll_bench {
    const muir_bench_options *options;
    muir_coll_comm *comm;
    muir_tuning *tuning;  /* NULL: `auto` is measured at each point */
    muir_coll_file *file; /* NULL: none */
    int warm_up;
    long long most_samples;
    double most_s; /* for the samples of a point */

    /* of the point */
    muir_coll_kind kind;
    muir_coll_spec spec;
    bool is_registered, is_in_place;
    int n, samples;
    const char *name[MUIR_BENCH_ROWS]; /* of the algorithm, "auto", or "copy" */
    muir_coll_op *op[MUIR_BENCH_ROWS];
    muir_coll_sample sample[MUIR_BENCH_ROWS];
    long long wrong[MUIR_BENCH_ROWS];
    muir_coll_choice choice; /* what auto stands for */
    size_t send_bytes, recv_bytes;
    char *send, *recv;    /* memory */
    char *input, *output; /* of the collective, in it */
    muir_payload *payload;
} muir_coll_bench;

/* Measures the point and prints its rows. Collective over comm. */
muir_status muir_coll_bench_point(muir_ctx *ctx, muir_coll_bench *bench);

/* Prints the head of the table, with what the columns mean. Local. */
void muir_coll_bench_head(const muir_coll_bench *bench);

/* Prints and keeps row i; rows of one point in order, the copy first. Local. */
void muir_coll_bench_row(const muir_coll_bench *bench, int i);

#endif
