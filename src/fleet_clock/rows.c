/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of step attempts. */
#include "fleet_clock/rows.h"

#include <string.h>

void muir_row_disturb(muir_fleet_row *row, const muir_disturbance *d)
{
    const double extra_s = row->step_s * d->common * d->extra + d->wait_s;
    for (int i = 0; i < MUIR_PART_COUNT; i++) row->part_s[i] *= d->common;
    row->part_s[MUIR_PART_straggler] += extra_s;
    row->step_s = row->step_s * d->common + extra_s;
    row->common_mode = d->common;
}

void muir_row_end(muir_fleet_row *row, const muir_scenario *s, const muir_attempt *a, double model_flop,
                  double executed_flop)
{
    const muir_job *job = &s->job;
    const double peak = muir_scenario_peak_flop_per_s(s) * (double)muir_job_chips(job);
    const double tokens = (double)(job->batch.global_batch_size * job->batch.seq_len);
    row->attempt_s = row->step_s;
    row->part_s[MUIR_PART_checkpoint] = 1e-9 * (double)a->checkpoint_ns;
    row->part_s[MUIR_PART_recovery] = 1e-9 * (double)a->prefix_ns;
    row->step_s += row->part_s[MUIR_PART_checkpoint] + row->part_s[MUIR_PART_recovery];
    if (!a->is_kept) {
        memset(row->part_s, 0, sizeof row->part_s);
        row->step_s = row->part_s[MUIR_PART_recovery] = 1e-9 * (double)a->row_ns;
    }
    const double share = a->replicas_share; /* 0 of a step that was broken off */
    row->tokens_per_s = tokens * share / row->step_s;
    row->mfu = model_flop * share / (row->step_s * peak);
    row->hfu = executed_flop * share / (row->step_s * peak);
    row->training_step = a->training_step;
    row->lost_steps = a->lost_steps;
    row->replicas = a->is_kept ? (int64_t)(share * (double)job->parallel.dp + 0.5) : 0;
    row->fleet_time_s = 1e-9 * (double)a->end_ns;
}
