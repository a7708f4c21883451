/* SPDX-License-Identifier: BSD-3-Clause */
/* Measuring one point of muir bench coll. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bench/bench_coll.h"
#include "collectives/shared.h"

enum { MOST_CALLS = 20, LEAST_SAMPLES = 3 };

/* A sample lasts about this long, or a call; trials for `auto` no longer than that. */
static const double SAMPLE_S = 100e-6, CHOICE_S = 1.0;

static uint32_t salt_of(int sample, int contender)
{
    return (uint32_t)(sample * MUIR_BENCH_ROWS + contender);
}

/* Before each sample every rank writes its whole input anew, so no algorithm lives off an old cache. */
static void change_input(int sample, int contender, void *data)
{
    muir_coll_bench *b = data;
    if (!b->options->is_unchecked && !b->is_in_place) memset(b->recv, 0xff, b->recv_bytes);
    muir_payload_fill(b->payload, salt_of(sample, contender), b->input);
}

/* Calls in place feed on their own results; muir_coll_bench_point checks one apart. */
static void check_output(int sample, int contender, void *data)
{
    muir_coll_bench *b = data;
    if (b->options->is_unchecked || b->is_in_place || !b->op[contender]) return;
    b->wrong[contender] += (long long)muir_payload_check(b->payload, salt_of(sample, contender), b->output);
}

static muir_status add_contender(muir_ctx *ctx, muir_coll_bench *b, const muir_coll *coll, const char *name)
{
    muir_status st = MUIR_OK;
    if (b->n == MUIR_BENCH_ROWS) return MUIR_OK;
    if (coll && muir_coll_op_create(ctx, b->comm, coll, &b->spec, &b->op[b->n]) != MUIR_OK) {
        muir_ctx_clear(ctx); /* not for this type, size or number of ranks */
        return MUIR_OK;
    }
    double *time_s = NULL;
    b->name[b->n] = name;
    b->wrong[b->n] = 0;
    MUIR_TRY(muir_alloc(ctx, (size_t)(b->most_samples + b->warm_up + 1), sizeof(double), "samples", &time_s));
    b->sample[b->n] = (muir_coll_sample){.op = b->op[b->n],
                                         .time_s = time_s,
                                         .copy_from = b->send,
                                         .copy_to = b->recv,
                                         .copy_bytes = b->spec.count * muir_dtype_bytes(b->spec.dtype)};
    b->n++;
done:
    return st;
}

static muir_status make_buffer(muir_ctx *ctx, muir_coll_bench *b, size_t bytes, char **out)
{
    if (b->is_registered) return muir_coll_alloc(ctx, b->comm, bytes, out);
    return muir_alloc(ctx, bytes, 1, "a buffer of collectives", out);
}

/* Room for the collective and for a copy of its size. */
static muir_status make_buffers(muir_ctx *ctx, muir_coll_bench *b)
{
    muir_status st = MUIR_OK;
    size_t n_send = 0, n_recv = 0, offset = 0, n = 0;
    const int p = b->comm->size, rank = b->comm->rank;
    const size_t width = muir_dtype_bytes(b->spec.dtype);
    muir_coll_lengths(b->kind, b->spec.count, p, rank, &n_send, &n_recv);
    if (b->kind == MUIR_ALL_GATHER) muir_coll_block(b->spec.count, p, rank, &offset, &n);
    b->send_bytes = (n_send > b->spec.count ? n_send : b->spec.count) * width;
    b->recv_bytes = (n_recv > b->spec.count ? n_recv : b->spec.count) * width;
    MUIR_TRY(make_buffer(ctx, b, b->send_bytes, &b->send));
    MUIR_TRY(make_buffer(ctx, b, b->recv_bytes, &b->recv));
    memset(b->send, 1, b->send_bytes);
    memset(b->recv, 1, b->recv_bytes);
    b->output = b->recv;
    b->input = b->is_in_place ? b->recv + offset * width : b->send;
    MUIR_TRY(muir_payload_create(ctx, b->kind, &b->spec, p, rank, &b->payload));
done:
    return st;
}

/* What auto takes here: from the table where there is one and it is about such buffers. */
static muir_status choose(muir_ctx *ctx, muir_coll_bench *b)
{
    muir_chosen chosen;
    if (b->tuning && b->is_registered && !b->is_in_place)
        return muir_tuning_pick(ctx, b->tuning, b->comm, b->kind, &b->spec, b->input, b->output, &b->choice,
                                &chosen);
    return muir_coll_choose(ctx, b->comm, b->kind, &b->spec, b->input, b->output, CHOICE_S, &b->choice);
}

static muir_status enter(muir_ctx *ctx, muir_coll_bench *b)
{
    muir_status st = MUIR_OK;
    const char *list = b->options->algorithm;
    MUIR_TRY(make_buffers(ctx, b));
    muir_payload_fill(b->payload, 0, b->input);
    if (muir_bench_is_wanted(list, "auto")) MUIR_TRY(choose(ctx, b));
    MUIR_TRY(add_contender(ctx, b, NULL, "copy"));
    for (size_t i = 0; i < muir_coll_count(); i++)
        if (muir_coll_at(i)->kind == b->kind && muir_bench_is_wanted(list, muir_coll_at(i)->name))
            MUIR_TRY(add_contender(ctx, b, muir_coll_at(i), muir_coll_at(i)->name));
    if (b->file && b->file->coll.kind == b->kind)
        MUIR_TRY(add_contender(ctx, b, &b->file->coll, b->file->coll.name));
    if (muir_bench_is_wanted(list, "auto")) MUIR_TRY(add_contender(ctx, b, b->choice.coll, "auto"));
done:
    return st;
}

static void leave(muir_coll_bench *b)
{
    for (int i = 0; i < b->n; i++) {
        muir_coll_op_destroy(&b->op[i]);
        free(b->sample[i].time_s);
    }
    if (b->is_registered) {
        muir_coll_free(b->comm, b->send);
        muir_coll_free(b->comm, b->recv);
    } else {
        free(b->send);
        free(b->recv);
    }
    muir_payload_destroy(&b->payload);
    b->send = b->recv = NULL;
    b->n = 0;
}

static muir_status measure(muir_ctx *ctx, muir_coll_bench *b, int samples)
{
    return muir_coll_measure(ctx, b->comm, b->sample, b->n, samples, 1, b->input, b->output, change_input,
                             check_output, b);
}

/* One round of all decides how many calls make a sample, and how many samples the time allows. */
static muir_status settle_samples(muir_ctx *ctx, muir_coll_bench *b)
{
    muir_status st = MUIR_OK;
    const double start_s = muir_now_s();
    MUIR_TRY(measure(ctx, b, 1));
    double round_s = muir_now_s() - start_s;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &round_s, 1, MPI_DOUBLE, MPI_MAX, b->comm->comm));
    for (int i = 0; i < b->n; i++) { /* the same on all ranks */
        const double calls = SAMPLE_S / b->sample[i].time_s[0];
        b->sample[i].calls = calls > MOST_CALLS ? MOST_CALLS : calls < 1.0 ? 1 : (int)calls;
        round_s += (b->sample[i].calls - 1) * b->sample[i].time_s[0];
    }
    const double samples = floor(b->most_s / round_s) - b->warm_up;
    b->samples = samples > (double)b->most_samples ? (int)b->most_samples
                 : samples < LEAST_SAMPLES         ? LEAST_SAMPLES
                                                   : (int)samples;
done:
    return st;
}

/* One more call of each in place, with an input that is still there to be compared with. */
static muir_status check_in_place(muir_ctx *ctx, muir_coll_bench *b)
{
    muir_status st = MUIR_OK;
    if (!b->is_in_place || b->options->is_unchecked) return MUIR_OK;
    for (int i = 0; i < b->n; i++) {
        if (!b->op[i]) continue;
        memset(b->recv, 0xff, b->recv_bytes);
        muir_payload_fill(b->payload, salt_of(0, i), b->input);
        MUIR_TRY_MPI(MPI_Barrier(b->comm->comm));
        MUIR_TRY(muir_coll_run(ctx, b->op[i], b->input, b->output));
        b->wrong[i] = (long long)muir_payload_check(b->payload, salt_of(0, i), b->output);
    }
done:
    return st;
}

muir_status muir_coll_bench_point(muir_ctx *ctx, muir_coll_bench *b)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(enter(ctx, b));
    if (b->n < 2) goto done; /* nothing that does this beside the copy */
    MUIR_TRY(settle_samples(ctx, b));
    for (int i = 0; i < b->n; i++) b->wrong[i] = 0;
    MUIR_TRY(measure(ctx, b, b->samples + b->warm_up));
    MUIR_TRY(check_in_place(ctx, b));
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, b->wrong, b->n, MPI_LONG_LONG, MPI_SUM, b->comm->comm));
    for (int i = 0; i < b->n && muir_is_root(ctx); i++) muir_coll_bench_row(b, i);
done:
    leave(b);
    return st;
}
