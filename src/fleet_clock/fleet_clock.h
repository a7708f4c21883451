/* SPDX-License-Identifier: BSD-3-Clause */
/* The fleet clock: what the emulated fleet would do, step by step. A pure function of scenario and step: the
 * same bytes on any number of ranks. */
#ifndef MUIR_FLEET_CLOCK_FLEET_CLOCK_H
#define MUIR_FLEET_CLOCK_FLEET_CLOCK_H

#include "power/cost.h"
#include "fleet_clock/engine.h"
#include "reliability/events.h"
#include "power/power.h"

/* One step attempt of the whole fleet. Same on all ranks. Times [s]. */
typedef struct muir_fleet_row {
    double step_s;
    double part_s[MUIR_PART_COUNT]; /* add up to step_s */
    double replica_mean_s;          /* mean over replicas of the step each would have alone */
    int64_t slowest_replica;        /* the one the others wait for */
    double tokens_per_s;
    double mfu, hfu; /* of the job's chips, dense peak; MFU: FLOP of the model, HFU: with recompute */
    double power_w;  /* mean over the step, at the meter */
    double energy_j;
    double cost_usd;
    double attempt_s;         /* the step if nothing breaks it off, checkpoint and recovery aside */
    double broken_s;          /* trained for nothing before the failure that broke it off; part of recovery */
    double broken_w;          /* mean power of the equipment meanwhile; 0: it was kept */
    double common_mode;       /* factor on the whole step */
    double expert_load;       /* of the busiest chip of an expert group over the mean, mean over layers */
    double longest_replica;   /* what the replica with the longest sequences computes, over the mean */
    double fleet_time_s;      /* at the row's end */
    double goodput;           /* productive share of fleet time so far */
    int64_t training_step;    /* steps of progress after the row */
    int64_t lost_steps;       /* of progress, to be trained again */
    int64_t replicas;         /* that trained the step; 0: it was broken off */
    double mean_c, hottest_c; /* temperature of the job's chips at the start of the row [degC] */
    double throttled;         /* share of them that is too warm for full speed */
    int flag;                 /* the largest that a rank raised in this step */
} muir_fleet_row;

/* What a step took this rank, on this machine's own clock. */
typedef struct muir_rank_row {
    double compute_s; /* draws and schedule of its replicas */
    double meet_s;    /* reductions, waiting for slower ranks included */
} muir_rank_row;

typedef struct muir_fleet_clock muir_fleet_clock;

/* Prepares the fleet clock.
 * scenario  in   borrowed; outlives the clock
 * out       out  free it with muir_fleet_clock_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_fleet_clock_create(muir_ctx *ctx, const muir_scenario *scenario, muir_fleet_clock **out);
void muir_fleet_clock_destroy(muir_fleet_clock **clock); /* accepts NULL, leaves NULL */

/* One step attempt; allocates nothing.
 * step     in   number of the row, equal on all ranks; from 0 on in order where something can fail
 * flag     in   >= 0: something that this rank wants every rank to know after this step
 * fleet    out  same on all ranks
 * rank     out  this rank's
 * servers  out  [servers] on rank 0: largest slowdown of a chip of each server, NaN for servers without a
 *               chip of the job; the others give room of the same size; NULL on all ranks: not wanted in
 *               this step
 * Collective over ctx->comm. MUIR_ERR_MPI. */
muir_status muir_fleet_clock_step(muir_ctx *ctx, muir_fleet_clock *clock, int64_t step, int flag,
                                  muir_fleet_row *fleet, muir_rank_row *rank, float *servers);

/* Whether the next steps sort replicas by delay, and how they were sorted in the last step, the same on all
 * ranks; for power traces. Called alike on all ranks. Local. */
void muir_fleet_clock_want_bins(muir_fleet_clock *clock, bool is_wanted);
const muir_delay_bins *muir_fleet_clock_bins(const muir_fleet_clock *clock);

/* What the energy of a row's step depends on. Local. */
muir_power_step muir_fleet_row_power(const muir_fleet_clock *clock, const muir_fleet_row *row);

/* Goes through a row that a file holds, without its chips: the state of the event machine is then that
 * after the row.
 * attempt_s  in   of the row
 * Local. */
void muir_fleet_clock_replay(muir_fleet_clock *clock, int64_t step, double attempt_s);

/* As muir_events_lend. Local. */
void muir_fleet_clock_lend(muir_fleet_clock *clock, int32_t server, bool is_taken);

/* The event machine: events of the last row, account, reaction; borrowed. Local. */
const muir_events *muir_fleet_clock_events(const muir_fleet_clock *clock);

/* What the clock was made from; all borrowed from it. Local. */
const muir_program *muir_fleet_clock_program(const muir_fleet_clock *clock);
const muir_slot_times *muir_fleet_clock_slot_times(const muir_fleet_clock *clock);
const muir_order *muir_fleet_clock_order(const muir_fleet_clock *clock);
const muir_ideal *muir_fleet_clock_ideal(const muir_fleet_clock *clock);
const muir_fold *muir_fleet_clock_fold(const muir_fleet_clock *clock);
const muir_power *muir_fleet_clock_power(const muir_fleet_clock *clock);
const muir_cost *muir_fleet_clock_cost(const muir_fleet_clock *clock);

/* What the fleet costs while its job stands still, and while it trains ideal steps that will be lost [USD].
 * Modelled: capital, staff, and the energy that each draws. Local. */
double muir_fleet_clock_lost_usd(const muir_fleet_clock *clock, double still_s, double trained_s);

/* Bytes that this rank's clock holds per chip of its slice. Local. */
double muir_fleet_clock_bytes_per_chip(const muir_fleet_clock *clock);

#endif
