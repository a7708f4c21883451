/* SPDX-License-Identifier: BSD-3-Clause */
/* Timing of prepared collectives against each other, and the choice of the fastest. */
#ifndef MUIR_COLLECTIVES_MEASURE_H
#define MUIR_COLLECTIVES_MEASURE_H

#include "collectives/coll.h"

/* One contender. Times are those of the slowest rank. */
typedef struct muir_coll_sample {
    muir_coll_op *op; /* borrowed */
    double *time_s;   /* [samples] of one call each; room by the caller, same on all ranks afterwards */
} muir_coll_sample;

/* Called around a sample of contender number `contender`, with the caller's data. */
typedef void (*muir_coll_change)(int sample, int contender, void *data);

/* Runs n contenders `samples` times, in turns, so that all meet the same disturbances; each sample is
 * barrier, clock, `calls` calls, clock. All use the same buffers.
 * send, recv  in/out  room for the longest of the contenders
 * change      in   called before each sample, to write new input; NULL: nothing changes
 * after       in   called after each sample; NULL: nothing is looked at Collective over the communicator of
 *                  the contenders; allocates nothing. MUIR_ERR_MPI. */
muir_status muir_coll_measure(muir_ctx *ctx, muir_coll_comm *comm, const muir_coll_sample *contenders, int n,
                              int samples, int calls, void *send, void *recv, muir_coll_change change,
                              muir_coll_change after, void *data);

/* The algorithm whose median is least for this operation, size and communicator, measured now; `mpi` is kept
 * unless another is at least 3 % faster.
 * out  out  row of the table; untouched on error Collective over the communicator, with memory of its own
 *           while it runs. MUIR_ERR_MEM, MUIR_ERR_MPI, MUIR_ERR_ARG if no row does this. */
muir_status muir_coll_choose(muir_ctx *ctx, muir_coll_comm *comm, muir_coll_kind kind,
                             const muir_coll_spec *spec, const muir_coll **out);

#endif
