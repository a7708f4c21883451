/* SPDX-License-Identifier: BSD-3-Clause */
/* Timing of prepared collectives against each other, and the choice of the fastest. */
#ifndef MUIR_COLLECTIVES_MEASURE_H
#define MUIR_COLLECTIVES_MEASURE_H

#include "collectives/coll.h"

/* One contender. Times are those of the slowest rank. */
typedef struct muir_coll_sample {
    muir_coll_op *op; /* borrowed; NULL: every rank makes a copy, the yardstick of the memory */
    double *time_s;   /* [samples] of one call each; room by the caller, same on all ranks afterwards */
    int calls;        /* of a sample, same on all ranks; 0: as many as the others */
    const void *copy_from;
    void *copy_to;
    size_t copy_bytes;
} muir_coll_sample;

/* Called around a sample of contender number `contender`, with the caller's data. */
typedef void (*muir_coll_change)(int sample, int contender, void *data);

/* Runs n contenders `samples` times, in turns, so that all meet the same disturbances; each sample is
 * meeting, clock, `calls` calls, clock. All use the same buffers.
 * send, recv  in/out  room for the longest of the contenders
 * change      in   called before each sample, to write new input; NULL: nothing changes
 * after       in   called after each sample; NULL: nothing is looked at
 * Collective over the communicator of the contenders; allocates nothing. MUIR_ERR_MPI. */
muir_status muir_coll_measure(muir_ctx *ctx, muir_coll_comm *comm, const muir_coll_sample *contenders, int n,
                              int samples, int calls, void *send, void *recv, muir_coll_change change,
                              muir_coll_change after, void *data);

/* What a collective of S bytes over p ranks of one host must at least move, in copies of S bytes by every
 * rank at the same time:
 *     1              all_reduce, all_gather, all_to_all: every rank reads S and writes S; broadcast alike
 *     (p + 1) / 2 p  reduce_scatter, reduce: p S are read and S written by all together
 * With t the time of such copies, nothing that stays in memory takes less than this times t, as an all_reduce
 * in which every rank reduces its share from all vectors and hands it to all ranks would.
 * Local. */
double muir_coll_copies(muir_coll_kind kind, int p);

enum { MUIR_COLL_TRIALS = 32 };

/* An algorithm that was tried, and how long a call took. */
typedef struct muir_coll_trial {
    const muir_coll *coll;
    double time_s;   /* median; the best of a few calls where the row was out after them */
    bool is_in_full; /* false: out after a few calls, as it took more than twice as long as another */
} muir_coll_trial;

/* What a choice found. */
typedef struct muir_coll_choice {
    const muir_coll *coll; /* the fastest; `mpi` unless another is at least 3 % faster */
    double time_s;         /* its median */
    double mpi_s;          /* trial of the library's own; NAN where it does not do this */
    int n_untried;         /* rows that would run here, and for which there was no time */
    int n_trials;
    muir_coll_trial trials[MUIR_COLL_TRIALS]; /* in the order of being tried */
} muir_coll_choice;

/* In which turns the best few rows run against each other. */
typedef struct muir_coll_turns {
    int samples, calls; /* of each row; calls in a sample, timed together */
} muir_coll_turns;

/* As many samples as 50 ms hold, from 7 to 15 (at least 3 where a round takes more than 20 ms, and 1 where a
 * call takes more than 100 ms), of as many calls as fill 100 us, 1 to 20.
 * round_s  in   [s] one call of each
 * n        in   rows, >= 1
 * Local. */
muir_coll_turns muir_coll_turns_for(double round_s, int n);

/* Measures which algorithm is fastest for this operation, size and communicator. Rows are tried for a few
 * calls each, `shared` and `mpi` first, and over several hosts `hierarchical`, the row that sends the fewest
 * bytes and the one of the fewest rounds; those that take more than twice as long as the best are out (`mpi`
 * over several hosts is not), and the others run in turns for a median. A row is not tried where its rounds
 * alone, at the pace of a barrier's rounds, would take longer than that, or, if it is not among those named
 * above, once the trials have taken `limit_s`: looking must not cost more than it can win, as it would where
 * ranks outnumber cores.
 * send, recv  in/out  buffers of the collective (coll.h says how long), overwritten
 * limit_s     in      [s]; 0 or less: only those named above
 * choice      out     the same on all ranks; untouched on error
 * Collective over the communicator. MUIR_ERR_MEM, MUIR_ERR_MPI, MUIR_ERR_ARG if no row does this. */
muir_status muir_coll_choose(muir_ctx *ctx, muir_coll_comm *comm, muir_coll_kind kind,
                             const muir_coll_spec *spec, void *send, void *recv, double limit_s,
                             muir_coll_choice *choice);

#endif
