/* SPDX-License-Identifier: BSD-3-Clause */
/* The verdict on a peak. */
#include "memory/fit.h"

#include <math.h>

/* Of ln(modelled / measured) on sources that were left out when the two figures of allocators.def were
 * pooled; docs/memory.md says how it was measured. */
static const double spread = 0.06;
static const double few = 0.05;

static const char *const names[] = {"fits", "tight", "does NOT fit"};

const char *muir_fit_verdict_name(muir_fit_verdict verdict)
{
    return names[verdict];
}

double muir_chip_room(const muir_chip *chip)
{
    return chip->driver_bytes > 0.0 ? chip->driver_bytes : chip->hbm_bytes;
}

muir_memory_fit muir_memory_fit_of(const muir_memory *memory, const muir_chip *chip)
{
    muir_memory_fit fit = {.room = muir_chip_room(chip)};
    fit.shown = fmin(memory->total, fmax(fit.room, memory->needed));
    fit.headroom = fit.room - fit.shown;
    fit.failing = 0.5 * erfc(-log(memory->needed / fit.room) / (spread * sqrt(2.0)));
    fit.verdict = memory->needed > fit.room                       ? MUIR_DOES_NOT_FIT
                  : memory->total > fit.room || fit.failing > few ? MUIR_TIGHT
                                                                  : MUIR_FITS;
    return fit;
}

muir_status muir_scenario_memory(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                 muir_memory *memory)
{
    muir_status st = MUIR_OK;
    const muir_parallel *p = &scenario->job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)scenario->job.microbatches};
    muir_order *order = NULL;
    MUIR_TRY(muir_order_create(ctx, muir_schedule_find(p->schedule), shape, &order));
    *memory = muir_memory_of(&scenario->job, program, order);
done:
    muir_order_destroy(&order);
    return st;
}
