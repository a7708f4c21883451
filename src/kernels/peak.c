/* SPDX-License-Identifier: BSD-3-Clause */
/* Multiply-add peak of one core, from the loops of the tiles' own instructions. */
#include "kernels/peak.h"

#include "base/clock.h"
#include "kernels/pack.h"

enum { TRIES = 3 };
static const double try_s = 5e-3;

static double rate_of(const muir_tile_row *row)
{
    double best = 0.0;
    float x = 0.5f;
    for (int i = 0; i < TRIES; i++) {
        const double start_s = muir_now_s();
        double time_s = 0.0, done = 0.0;
        while (time_s < try_s) {
            done += row->loop(&x);
            time_s = muir_now_s() - start_s;
        }
        if (done / time_s > best) best = done / time_s;
    }
    return best;
}

/* Of all instruction sets: the widest is not the fastest where it lowers the clock. */
double muir_peak_per_s(muir_dtype dtype)
{
    const muir_packing *packing = muir_packing_find(dtype);
    double best = 0.0;
    for (size_t i = 0; packing && i < muir_tile_count(); i++) {
        const muir_tile_row *row = muir_tile_at(i);
        if (row->word != packing->word || !row->is_available()) continue;
        const double rate = rate_of(row);
        if (rate > best) best = rate;
    }
    return best;
}

const char *muir_peak_instruction(muir_dtype dtype)
{
    const muir_packing *packing = muir_packing_find(dtype);
    return packing ? muir_tile_find(packing->word)->instruction : "";
}
