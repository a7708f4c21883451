/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of the step program's ops on the fleet. */
#include "run/times.h"

#include <string.h>

#include "host_clock/shrink.h"

/* Collectives of a range that share out what is exposed of all of them together. */
static void share_out(const muir_program *program, muir_op_range range, double exposed_s,
                      muir_host_times *times)
{
    double all_s = 0.0;
    for (int i = range.first; i < range.first + range.n; i++)
        if (program->ops[i].kind == MUIR_OP_COLL) all_s += times->op_s[i];
    for (int i = range.first; i < range.first + range.n && all_s > 0.0; i++)
        if (program->ops[i].kind == MUIR_OP_COLL) times->exposed_s[i] = exposed_s * times->op_s[i] / all_s;
}

void muir_times_fill(const muir_scenario *scenario, const muir_program *program,
                     const muir_slot_times *slot_times, muir_host_times *times)
{
    memset(times, 0, sizeof *times);
    times->p2p_s = slot_times->p2p_s;
    times->wrap_p2p_s = slot_times->wrap_p2p_s;
    for (int i = 0; i < program->n_ops; i++)
        times->op_s[i] = times->exposed_s[i] = muir_op_time_s(scenario, &program->ops[i]);
    for (int b = 0; b < program->n_blocks; b++)
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++) {
            const muir_op_range r = program->blocks[b].phase[phase];
            for (int i = 0; i < r.n; i++)
                if (program->ops[r.first + i].kind == MUIR_OP_COLL)
                    times->exposed_s[r.first + i] =
                        muir_op_exposed_s(scenario, &program->ops[r.first], i, r.n, (muir_phase)phase);
        }
    for (int s = 0; s < program->n_stages; s++) {
        share_out(program, program->sync_ops[s], slot_times->sync[s].reduce_s, times);
        share_out(program, program->update_ops[s], slot_times->sync[s].gather_s, times);
    }
}

muir_status muir_times_dilated_step_s(muir_ctx *ctx, const muir_scenario *scenario,
                                      const muir_program *program, const muir_slot_times *slot_times,
                                      int ranks, double *step_s)
{
    muir_status st = MUIR_OK;
    muir_host_times times;
    muir_order *order = NULL;
    muir_pace *pace = NULL;
    const muir_fold fold = muir_fold_make(scenario, ranks, 0);
    const muir_schedule *schedule = muir_schedule_find(scenario->job.parallel.schedule);
    double x = 0.0, length_s = 0.0;
    MUIR_TRY(muir_pace_parse(ctx, scenario->host.pace, &x));
    if (x > 0.0) {
        muir_times_fill(scenario, program, slot_times, &times);
        MUIR_TRY(muir_order_create(ctx, schedule, muir_shrink_make(scenario, &fold).shape, &order));
        MUIR_TRY(muir_pace_create(ctx, program, order, 0, x, &times, scenario->host.overlap,
                                  scenario->job.parallel.overlap_param_gather, &pace));
        length_s = pace->step_s;
    }
    *step_s = length_s;
done:
    muir_pace_destroy(&pace);
    muir_order_destroy(&order);
    return st;
}
