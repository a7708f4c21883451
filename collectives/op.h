/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside of a prepared collective; what the file of an algorithm with its own `run` includes. */
#ifndef MUIR_COLLECTIVES_OP_H
#define MUIR_COLLECTIVES_OP_H

#include "collectives/coll.h"
#include "collectives/steps.h"

struct muir_coll_op {
    const muir_coll *coll;
    const muir_coll_comm *comm; /* borrowed, outlives the collective */
    muir_coll_spec spec;
    MPI_Datatype type; /* of one element */
    void *own;         /* made by the row's `prepare`; freed with free(), after the row's `release` */
    const struct muir_shared_cut *cut; /* of rows in shared memory; NULL: a block for each rank */

    /* What follows is for rows with `steps`. */
    muir_coll_steps *steps;
    muir_reduce_loop *reduce; /* NULL where nothing is reduced */
    size_t element_bytes;
    int tag;
    char *scratch;
    const void **sources;                  /* [p] what is accumulated, rank by rank */
    uint16_t *wire;                        /* what travels, where that is not what is in memory */
    size_t *wire_at;                       /* [n_steps,2] places in it, received and sent */
    MPI_Request *requests;                 /* [n_steps,2] receive and send of each step */
    char *buffers[MUIR_COLL_BUFFER_COUNT]; /* of the call on its way */
    size_t n_started;                      /* steps [n_done, n_started) are on their way */
    size_t n_done;
};

/* As muir_coll_op_create, for a row in shared memory that is a part of another collective.
 * cut  in   which parts of the vector are whose; borrowed until muir_coll_op_destroy. NULL: as usual */
muir_status muir_coll_op_create_cut(muir_ctx *ctx, muir_coll_comm *comm, const muir_coll *coll,
                                    const muir_coll_spec *spec, const struct muir_shared_cut *cut,
                                    muir_coll_op **out);

#endif
