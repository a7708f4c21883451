/* SPDX-License-Identifier: BSD-3-Clause */
/* Power of the fleet: watts by phase, the ideal step's power over time, the energy of a step.
 *
 * The step of the fleet, in order: every replica runs its pipeline and gradient sync, which its own delay d
 * makes longer; waits for the slowest; then all of them together do the tail (norm, optimizer, the stack's
 * step_s, in which the host works and the chips idle, weight gather), a checkpoint, an evaluation, a
 * recovery. A replica's delay stretches its pipeline evenly, so the energy of a step is linear in the
 * replicas' delays, and one sum of delays gives it exactly. Inside a slot of the schedule layers and their
 * collectives alternate faster than any band that is looked at: a slot's power is its mean.
 * "Equipment" is chips, hosts and network; the building adds (pue - 1) times the step's mean, evenly: cooling
 * takes minutes to follow. */
#ifndef MUIR_POWER_POWER_H
#define MUIR_POWER_POWER_H

#include "step_time/ideal.h"

/* Power of one chip by what it does [W]. */
typedef struct muir_watts {
    double part[MUIR_SLOT_PARTS]; /* of a slot */
    double wait, idle, checkpoint, restart, evaluation;
} muir_watts;

/* Energy over time of something whose power changes: exact at n + 1 equally spaced times, straight in
 * between. */
typedef struct muir_profile {
    double length_s;
    int n;
    double *energy_j; /* [n + 1] from 0 to the times i length_s / n */
} muir_profile;

typedef struct muir_power {
    const muir_scenario *scenario; /* borrowed; outlives this */
    muir_watts chip;               /* of the job's chips, secondary workload included */
    double spread;                 /* mean over servers of what they draw at equal work, near 1 */
    double base_w;                 /* spare chips, hosts, network */
    double replica_chips;
    muir_profile pipeline; /* one replica, until the ideal step's last gradient sync */
    muir_profile tail;     /* one replica */
} muir_power;

/* Times of one step that its energy depends on. [s] */
typedef struct muir_power_step {
    double replicas;    /* that train; the others of the job are idle; 0: the step is nothing but pauses */
    double late_s;      /* delay of the last replica, for which all wait; at least 0 */
    double delay_sum_s; /* over replicas */
    double checkpoint_s, evaluation_s, recovery_s;
    double broken_s,
        broken_w; /* trained for nothing before a failure, and the equipment's power meanwhile [W]:
                                  the mean of the step that it would have been */
} muir_power_step;

/* Makes the profiles.
 * scenario, order, times, ideal  in  read here; only the scenario is kept
 * out                            out  free it with muir_power_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_power_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_order *order,
                              const muir_slot_times *times, const muir_ideal *ideal, muir_power **out);
void muir_power_destroy(muir_power **power); /* accepts NULL, leaves NULL */

/* What a chip of the job draws in each phase [W]: the chip file's shares of tdp_w, at least the floor of the
 * secondary workload and at most the cap in all of them. Local. */
muir_watts muir_watts_of(const muir_scenario *scenario);

/* Energy of a profile from 0 to a time [J]; times outside of it count as its ends. Local. */
double muir_profile_at(const muir_profile *profile, double time_s);

/* Mean power of a chip of the job over the ideal step [W]. Local. */
double muir_power_chip_w(const muir_power *power);

/* How long the step takes without and with its pauses [s]. Local. */
double muir_power_training_s(const muir_power *power, const muir_power_step *step);
double muir_power_step_s(const muir_power *power, const muir_power_step *step);

/* Energy of a step of the whole fleet, equipment alone [J]. Modelled.
 *     E = base T + spread ((dp - R) n T P_idle + R (E_pipeline + E_tail + (late + stagger) n P_wait)
 *         + sum d (E_pipeline / t_pipeline - n P_wait)
 *         + dp n (checkpoint P_checkpoint + recovery P_restart + E_evaluation))
 *         + broken (P_broken - base)
 * with R of dp replicas of n chips, T without pauses beside P_idle. Local. */
double muir_power_equipment_j(const muir_power *power, const muir_power_step *step);

/* The same at the meter: times pue. Local. */
double muir_power_meter_j(const muir_power *power, const muir_power_step *step);

/* Energy of the ideal step at the meter, from means over stages alone: all communication draws
 * communicate_power, the norm counts as waiting. For searches over many layouts [J]. Local. */
double muir_power_ideal_j(const muir_scenario *scenario, const muir_ideal *ideal);

/* Energy of one chip from an evaluation's start to a time in it [J]. Local. */
double muir_power_evaluation_j(const muir_power *power, double time_s);

#endif
