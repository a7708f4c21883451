/* SPDX-License-Identifier: BSD-3-Clause */
/* Comparing what a step meets with what was computed last. */
#include "fleet_clock/hold.h"

#include <string.h>

muir_hold muir_hold_make(int64_t every)
{
    return (muir_hold){.every = every, .draw = -1, .held = -1};
}

void muir_hold_begin(muir_hold *hold, int64_t row, const muir_heat_step *heat)
{
    const int64_t draw = row - row % hold->every;
    if (draw != hold->draw) hold->heat = *heat;
    hold->draw = draw;
}

bool muir_hold_is_same(const muir_hold *hold, const muir_disturbance *d)
{
    if (hold->held != hold->draw || d->n_moved > 0) return false;
    if (hold->n_slow != d->n_slow || hold->n_down != d->n_down) return false;
    for (int i = 0; i < d->n_slow; i++)
        if (hold->slow[i].chip != d->slow[i].chip || hold->slow[i].factor != d->slow[i].factor) return false;
    return d->n_down == 0 || memcmp(hold->down, d->down, (size_t)d->n_down * sizeof d->down[0]) == 0;
}

void muir_hold_keep(muir_hold *hold, const muir_disturbance *d)
{
    muir_hold_drop(hold);
    if (d->n_slow > MUIR_HOLD_MOST || d->n_down > MUIR_HOLD_MOST) return;
    hold->held = hold->draw;
    hold->n_slow = d->n_slow;
    hold->n_down = d->n_down;
    if (d->n_slow > 0) memcpy(hold->slow, d->slow, (size_t)d->n_slow * sizeof d->slow[0]);
    if (d->n_down > 0) memcpy(hold->down, d->down, (size_t)d->n_down * sizeof d->down[0]);
}

void muir_hold_drop(muir_hold *hold)
{
    hold->held = -1;
}
