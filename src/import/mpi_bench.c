/* SPDX-License-Identifier: BSD-3-Clause */
/* Output of the OSU benchmarks and of Intel's MPI Benchmarks -> figures of a fleet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/points.h"

enum { LINE = 512 };

/* These count the block of one rank where nccl-tests counts all of them. */
static double nccl_bytes(muir_coll_kind kind, double bytes, int ranks)
{
    return kind == MUIR_ALL_GATHER || kind == MUIR_ALL_TO_ALL ? bytes * ranks : bytes;
}

typedef struct bench_reader {
    muir_coll_kind kind;
    int ranks;
} bench_reader;

/* "# OSU MPI Allreduce Latency Test v7.4", "# Benchmarking Allreduce", "# #processes = 16" */
static void read_head(bench_reader *r, const char *line)
{
    const char *name = strstr(line, "MPI ");
    if (strstr(line, "OSU") && name) r->kind = muir_points_kind(name + 4 + strspn(name + 4, " -"));
    if (strstr(line, "OSU MPI-") && name == NULL) r->kind = muir_points_kind(strstr(line, "MPI-") + 4);
    name = strstr(line, "Benchmarking ");
    if (name) r->kind = muir_points_kind(name + strlen("Benchmarking "));
    name = strstr(line, "#processes = ");
    const long n = name ? strtol(name + strlen("#processes = "), NULL, 10) : 0;
    if (n > 0 && n < 1000000000) r->ranks = (int)n;
}

/* OSU: size, average; IMB: bytes, repetitions, least, most, average. In microseconds. */
static bool read_row(const char *line, double *bytes, double *time_s)
{
    double numbers[5];
    int n = 0;
    for (const char *at = line; n < 5;) {
        char *end = NULL;
        const double value = strtod(at, &end);
        if (end == at) break;
        numbers[n++] = value;
        at = end;
    }
    if (n < 2) return false;
    *bytes = numbers[0];
    *time_s = (n == 5 && numbers[1] == (double)(long)numbers[1] && numbers[2] <= numbers[4] &&
                       numbers[4] <= numbers[3]
                   ? numbers[4]
                   : numbers[1]) *
              1e-6;
    return true;
}

static muir_status take_row(muir_ctx *ctx, const muir_import_source *source, const bench_reader *r,
                            const char *line, muir_points *points)
{
    double bytes = 0.0, time_s = 0.0;
    const int given = muir_points_given(source, "ranks"), servers = muir_points_given(source, "servers");
    const char *op = muir_import_given(source, "op");
    const muir_coll_kind kind = op ? muir_points_kind(op) : r->kind;
    const int ranks = given ? given : r->ranks;
    if (!read_row(line, &bytes, &time_s) || bytes <= 0.0) return MUIR_OK;
    if (kind == MUIR_COLL_KIND_COUNT)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "it does not say which collective it timed: op=all_reduce, ... says it");
    if (ranks < 2)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "it does not say how many ranks took part: ranks=N says it (and servers=N)");
    if (servers > ranks || (servers > 0 && ranks % servers != 0))
        return muir_fail(ctx, MUIR_ERR_ARG, "%d ranks cannot be spread evenly over %d servers", ranks,
                         servers);
    return muir_points_add(
        ctx, points,
        (muir_point){kind, nccl_bytes(kind, bytes, ranks), time_s, ranks, servers > 0 ? servers : 1});
}

static muir_status read_log(muir_ctx *ctx, const muir_import_source *source, muir_import *found)
{
    muir_status st = MUIR_OK;
    muir_points points = {.at = NULL};
    bench_reader r = {MUIR_COLL_KIND_COUNT, 0};
    char line[LINE];
    for (const char *at = source->text; *at;) {
        const size_t length = strcspn(at, "\n"), n = length < LINE - 1 ? length : LINE - 1;
        memcpy(line, at, n);
        line[n] = '\0';
        at += length + (at[length] != '\0');
        if (line[strspn(line, " \t")] == '#')
            read_head(&r, line);
        else
            MUIR_TRY(take_row(ctx, source, &r, line, &points));
    }
    MUIR_TRY(muir_points_fit(ctx, source, &points, found));
done:
    muir_points_free(&points);
    return st;
}

const muir_importer muir_importer_osu = {
    .name = "osu",
    .reads = "output of an OSU collective benchmark (with fleet=NAME ranks=N servers=N)",
    .writes = "fleet",
    .form = MUIR_IMPORT_TEXT,
    .read = read_log,
};

const muir_importer muir_importer_imb = {
    .name = "imb",
    .reads = "output of Intel's MPI Benchmarks (with fleet=NAME servers=N)",
    .writes = "fleet",
    .form = MUIR_IMPORT_TEXT,
    .read = read_log,
};
