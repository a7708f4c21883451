/* SPDX-License-Identifier: BSD-3-Clause */
/* muir bench io: checkpoints, beside plain files written and read by the same ranks. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "base/units.h"
#include "bench/bench.h"
#include "io/checkpoint.h"

enum { MOST_SAMPLES = 100, SLICE = 64 << 20 };

/* What is timed, for each of the two ways. */
enum { WRITE, READ, CHECKSUM, TIMES };

typedef struct io_bench {
    char checkpoint[PATH_MAX], plain[PATH_MAX]; /* plain: this rank's */
    muir_checkpoint_part part;
    muir_checkpoint *state; /* of one size */
    int samples;
    double hdf5[TIMES][MOST_SAMPLES], posix[TIMES][MOST_SAMPLES];
} io_bench;

/* So that a read comes from the disk: drops what is on it already from memory. */
static void forget(const char *path)
{
    const int file = open(path, O_RDONLY);
    if (file < 0) return;
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    close(file);
}

static muir_status move_plain(muir_ctx *ctx, io_bench *b, bool is_write)
{
    const int file = open(b->plain, is_write ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0666);
    char *data = b->part.data;
    bool is_done = file >= 0;
    for (size_t at = 0; is_done && at < b->part.bytes;) {
        const size_t n = b->part.bytes - at < SLICE ? b->part.bytes - at : SLICE;
        const ssize_t moved = is_write ? write(file, data + at, n) : read(file, data + at, n);
        is_done = moved > 0;
        at += is_done ? (size_t)moved : 0;
    }
    if (is_done && is_write) is_done = fsync(file) == 0;
    if (file >= 0) close(file);
    return is_done ? MUIR_OK : muir_fail(ctx, MUIR_ERR_FILE, "%s: %s", b->plain, strerror(errno));
}

/* Barrier, clock, work, clock; the slowest rank's. */
static muir_status time_plain(muir_ctx *ctx, io_bench *b, bool is_write, double *time_s)
{
    muir_status st = MUIR_OK;
    MUIR_TRY_MPI(MPI_Barrier(ctx->comm));
    const double start_s = muir_now_s();
    st = move_plain(ctx, b, is_write);
    *time_s = muir_now_s() - start_s;
    MUIR_TRY(muir_agree(ctx, st));
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, time_s, 1, MPI_DOUBLE, MPI_MAX, ctx->comm));
done:
    return st;
}

static muir_status sample(muir_ctx *ctx, io_bench *b, int i)
{
    muir_status st = MUIR_OK;
    muir_checkpoint_time write_time, read_time;
    int64_t step = 0;
    MUIR_TRY(time_plain(ctx, b, true, &b->posix[WRITE][i]));
    MUIR_TRY(muir_checkpoint_write(ctx, b->state, b->checkpoint, i, &write_time));
    forget(b->plain);
    forget(b->checkpoint);
    MUIR_TRY(time_plain(ctx, b, false, &b->posix[READ][i]));
    MUIR_TRY(muir_checkpoint_read(ctx, b->state, b->checkpoint, &step, &read_time));
    b->hdf5[WRITE][i] = write_time.total_s;
    b->hdf5[READ][i] = read_time.total_s;
    b->hdf5[CHECKSUM][i] = read_time.checksum_s;
done:
    return st;
}

static void add_row(const muir_bench_options *o, io_bench *b, long long bytes, int ranks)
{
    const double write_s = muir_median(b->hdf5[WRITE], (size_t)b->samples),
                 read_s = muir_median(b->hdf5[READ], (size_t)b->samples),
                 sum_s = muir_median(b->hdf5[CHECKSUM], (size_t)b->samples),
                 plain_write_s = muir_median(b->posix[WRITE], (size_t)b->samples),
                 plain_read_s = muir_median(b->posix[READ], (size_t)b->samples), size = (double)bytes;
    if (o->is_table)
        printf("%10s %6d %11.3f %12.3f %7.2f %11.3f %12.3f %7.2f %13.3f\n", muir_bytes_text(size).s, ranks,
               size / write_s / 1e9, size / plain_write_s / 1e9, plain_write_s / write_s, size / read_s / 1e9,
               size / plain_read_s / 1e9, plain_read_s / read_s, size / sum_s / 1e9);
    fflush(stdout);
    json_array_append_new(o->rows, json_pack("{s:I,s:i,s:f,s:f,s:f,s:f,s:f}", "bytes", (json_int_t)bytes,
                                             "ranks", ranks, "write_byte_per_s", size / write_s,
                                             "posix_write_byte_per_s", size / plain_write_s,
                                             "read_byte_per_s", size / read_s, "posix_read_byte_per_s",
                                             size / plain_read_s, "checksum_byte_per_s", size / sum_s));
}

static muir_status run_size(muir_ctx *ctx, const muir_bench_options *o, io_bench *b, long long bytes)
{
    muir_status st = MUIR_OK;
    const size_t each = (size_t)(bytes / ctx->size) + (ctx->rank < bytes % ctx->size);
    b->part = (muir_checkpoint_part){.name = "state", .bytes = each};
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, each, 1, "the state", &b->part.data)));
    for (size_t i = 0; i < each; i++) ((unsigned char *)b->part.data)[i] = (unsigned char)(i ^ i >> 11);
    MUIR_TRY(muir_checkpoint_create(ctx, &b->part, 1, &b->state));
    for (int i = 0; i < b->samples; i++) MUIR_TRY(sample(ctx, b, i));
    if (muir_is_root(ctx)) add_row(o, b, bytes, ctx->size);
done:
    muir_checkpoint_destroy(&b->state);
    free(b->part.data);
    return st;
}

static void print_head(const muir_bench_options *o, const char *folder, int samples)
{
    if (!o->is_table) return;
    printf(
        "checkpoints in %s, %d sample%s in turns, medians of the slowest rank; GB/s = 10^9 byte/s\n"
        "write: until the disk has it; read: from the disk, hdf5 with every block verified\n"
        "      size  ranks  hdf5 write  posix write  ratio   hdf5 read   posix read  ratio  checksum GB/s\n",
        folder, samples, samples == 1 ? "" : "s");
}

static muir_status run(muir_ctx *ctx, const muir_bench_options *o)
{
    muir_status st = MUIR_OK;
    io_bench *b = NULL;
    const long long min = muir_bench_or(o->min, 1 << 20),
                    max = muir_bench_or(o->max, min > 1 << 30 ? min : 1 << 30);
    const long long factor = muir_bench_or(o->factor, 4), samples = muir_bench_or(o->iters, 3);
    const char *folder = o->folder ? o->folder : ".";
    if (samples > MOST_SAMPLES)
        return muir_fail(ctx, MUIR_ERR_ARG, "-n is %lld, but at most %d", samples, MOST_SAMPLES);
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *b, "the benchmark", &b)));
    snprintf(b->checkpoint, sizeof b->checkpoint, "%s/muir-bench-io.h5", folder);
    snprintf(b->plain, sizeof b->plain, "%s/muir-bench-io.%d", folder, ctx->rank);
    b->samples = (int)samples;
    if (muir_is_root(ctx)) print_head(o, folder, b->samples);
    for (long long bytes = min; bytes <= max; bytes *= factor) MUIR_TRY(run_size(ctx, o, b, bytes));
done:
    if (b) unlink(b->plain);
    if (b && muir_is_root(ctx)) unlink(b->checkpoint);
    free(b);
    return st;
}

const muir_bench muir_bench_io = {.name = "io", .takes = " -b -e -f -n --folder ", .run = run};
