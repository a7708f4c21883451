/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads of experts from step to step: what the busiest chip of an expert group has to do in each layer,
 * and the times of the step that follow from it.
 *
 * Which experts are popular is a property of the model, so all expert groups of the job have the same
 * busiest chip. In each layer the loads of an expert group's p chips are 1 + s (z_i - mean z) with p
 * normal draws z, and s so that the expected load of the busiest is the one that the program was made
 * with (model.expert_imbalance); from step to step z turns into fresh draws within jitter.expert_steps.
 * Beside that, a microbatch brings an expert only n tokens in the mean, of which a multinomial share
 * comes: with k experts a chip, the busiest one gets
 *     largest(p) (sqrt(s^2 + (1 - topk / experts) / (n k)) - s)
 * more in the mean over layers and microbatches, which are so many that what this strays is left out. */
#ifndef MUIR_FLEET_CLOCK_EXPERTS_H
#define MUIR_FLEET_CLOCK_EXPERTS_H

#include "step_time/slot_times.h"

typedef struct muir_experts {
    const muir_scenario *scenario; /* borrowed; outlives this */
    const muir_program *program;   /* borrowed; outlives this */
    const muir_slot_times *mean;   /* borrowed; outlives this: at the expected load */
    muir_slot_times *more;         /* at that load times 1 + a bit; NULL: the law is off */
    muir_slot_times *now;          /* of the step */
    double load;                   /* expected, of the busiest chip over the mean; 1 without experts */
    double largest;                /* of as many normal draws as an expert group has chips, expected */
    double scatter;                /* s */
    double sampling;               /* what the finite number of tokens adds to the load */
    int layers, chips;             /* layers with experts; chips of an expert group */
    int64_t knot;                  /* number of the draws in `old`, -1: none yet */
    float *old, *fresh;            /* [layers, chips in whole blocks of 64] */
    double *at;                    /* [chunks] where the step's load lies from `mean`, 0, to `more`, 1 */
} muir_experts;

/* program, times  in  of the scenario's job
 * out             out  free it with muir_experts_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_experts_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                const muir_slot_times *times, muir_experts **out);
void muir_experts_destroy(muir_experts **experts); /* accepts NULL, leaves NULL */

/* Whether loads change from step to step: faults.jitter.experts, and experts on more than one chip. Local. */
bool muir_experts_are_drawn(const muir_experts *experts);

/* Fills `now` for a step where loads are drawn: a function of seed and step alone; allocates nothing.
 * Returns the load of the busiest chip over the mean, mean over layers. Local. */
double muir_experts_step(muir_experts *experts, int64_t step);

#endif
