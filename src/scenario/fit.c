/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory from a job's program and the lists of its schedule. */
#include "scenario/fit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "schedule/schedule.h"

muir_status muir_scenario_memory(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                 muir_memory *memory)
{
    muir_status st = MUIR_OK;
    const muir_parallel *p = &scenario->job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)scenario->job.microbatches};
    int *held = NULL;
    MUIR_TRY(muir_alloc(ctx, (size_t)p->pp, sizeof *held, "the schedule", &held));
    MUIR_TRY(muir_schedule_held(ctx, muir_schedule_find(p->schedule), shape, held));
    *memory = muir_memory_of(&scenario->job, program, held);
done:
    free(held);
    return st;
}
