/* SPDX-License-Identifier: BSD-3-Clause */
/* Fourier transforms of the host clock. */
#include <string.h>

#include "base/clock.h"
#include "host_clock/ops_state.h"

/* The length stays; like bytes, the number of transforms shrinks by the square of the factor, and so does the
 * number side by side. FFTW's plans are estimated, not tried out: a start takes no seconds. */
muir_status muir_host_fft_prepare(muir_ctx *ctx, muir_host_ops *ops, int index)
{
    const muir_op *op = &ops->program->ops[index];
    const double f = ops->shrink.factor * ops->shrink.factor;
    const size_t batch = (size_t)muir_shrink_count(op->fft.count, f), stride = (size_t)op->fft.stride;
    muir_fft_size size = {.n = (size_t)op->fft.n, .stride = stride < batch ? stride : batch};
    size.batch = batch / size.stride * size.stride;
    return muir_fft_create(ctx, ops->kernels, muir_fft_first(ops->kernels), size, false, (uint64_t)index,
                           &ops->ffts[index]);
}

static void transform(muir_fft *fft, muir_tally *tally)
{
    const muir_fft_size size = muir_fft_size_of(fft);
    const double start_s = muir_now_s();
    muir_fft_run(fft);
    tally->fft_s += muir_now_s() - start_s;
    tally->fft_flop += muir_fft_flop((double)size.n, (double)size.batch);
}

/* More of them, as long as one as slow as the slowest of these still ends in time. */
static muir_status transform_until(muir_ctx *ctx, muir_host_ops *ops, muir_fft *fft, double until_s,
                                   muir_tally *tally)
{
    muir_status st = MUIR_OK;
    double now_s = muir_now_s(), slowest_s = 0.0;
    while (now_s + slowest_s < until_s) {
        const double start_s = now_s;
        transform(fft, tally);
        MUIR_TRY(muir_flights_poll(ctx, &ops->flights, tally));
        now_s = muir_now_s();
        if (now_s - start_s > slowest_s) slowest_s = now_s - start_s;
    }
done:
    return st;
}

/* As for products, an old result can never pass for a new one. */
muir_status muir_host_fft_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                              muir_tally *tally)
{
    muir_status st = MUIR_OK;
    muir_fft *fft = ops->ffts[index];
    const muir_fft_size size = muir_fft_size_of(fft);
    const bool is_checked = muir_host_is_checked(ops->scenario, moment->salt);
    if (moment->is_empty) return MUIR_OK;
    double start_s = muir_now_s();
    if (is_checked) memset(muir_fft_output(fft), 0xff, 2 * sizeof(float) * size.n * size.batch);
    tally->check_s += muir_now_s() - start_s;
    transform(fft, tally);
    start_s = muir_now_s();
    muir_host_book(ops->flips, is_checked, is_checked ? muir_fft_check(fft) : 0, 0, tally);
    tally->check_s += muir_now_s() - start_s;
    if (moment->until_s > 0.0) MUIR_TRY(transform_until(ctx, ops, fft, moment->until_s, tally));
done:
    return st;
}
