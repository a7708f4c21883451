/* SPDX-License-Identifier: BSD-3-Clause */
/* Multiply-add peak, from the loops of the tiles' own instructions. */
#include "kernels/peak.h"

#include "base/clock.h"
#include "kernels/pack.h"

enum { TRIES = 3 };
static const double try_s = 5e-3;

static double try_once(const muir_tile_row *row)
{
    float x = 0.5f;
    double time_s = 0.0, done = 0.0;
    const double start_s = muir_now_s();
    while (time_s < try_s) {
        done += row->loop(&x);
        time_s = muir_now_s() - start_s;
    }
    return done / time_s;
}

static double rate_of(const muir_tile_row *row, int threads)
{
    double best = 0.0;
    for (int i = 0; i < TRIES; i++) {
        double rate = 0.0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : rate) if (threads > 1)
#endif
        for (int thread = 0; thread < threads; thread++) rate += try_once(row);
        if (rate > best) best = rate;
    }
    return best;
}

/* Of all instruction sets: the widest is not the fastest where it lowers the clock. */
double muir_peak_per_s(muir_dtype dtype, int threads)
{
    const muir_packing *packing = muir_packing_find(dtype);
    double best = 0.0;
    for (size_t i = 0; packing && i < muir_tile_count(); i++) {
        const muir_tile_row *row = muir_tile_at(i);
        if (row->word != packing->word || !row->is_available()) continue;
        const double rate = rate_of(row, threads);
        if (rate > best) best = rate;
    }
    return best;
}

const char *muir_peak_instruction(muir_dtype dtype)
{
    const muir_packing *packing = muir_packing_find(dtype);
    return packing ? muir_tile_find(packing->word)->instruction : "";
}
