/* SPDX-License-Identifier: BSD-3-Clause */
/* The progress engine: collectives on their way, moved on by the rank itself, since no other thread does it.
 * It knows nothing of the job; whoever starts a flight decides what flies and when. */
#ifndef MUIR_HOST_CLOCK_FLIGHTS_H
#define MUIR_HOST_CLOCK_FLIGHTS_H

#include <stdbool.h>

#include "collectives/coll.h"
#include "host_clock/tally.h"

enum { MUIR_MOST_FLYING = 128 };

/* A prepared collective that runs during other work. */
typedef struct muir_flight {
    muir_coll_op *op; /* owned by whoever made the flight */
    bool is_flying;   /* started, and not finished yet */
    double start_s;   /* on this machine's clock */
    double end_s;     /* on this machine's clock; 0: not seen to be through */
} muir_flight;

typedef struct muir_flights {
    muir_flight *flying[MUIR_MOST_FLYING]; /* borrowed, in the order of their start */
    int n;
    MPI_Comm poked; /* borrowed from the mesh: asking it for messages progresses MPI */
} muir_flights;

/* Who progresses MPI while products run. Local. */
const char *muir_host_progress_text(bool is_overlapped);

/* Starts a flight; the caller looks first whether there is room (n < MUIR_MOST_FLYING).
 * send, recv  in   the collective's own buffers until it is through
 * tally       in/out  the time that starting took is added
 * Collective over the op's communicator. MUIR_ERR_MPI. */
muir_status muir_flights_start(muir_ctx *ctx, muir_flights *p, muir_flight *flight, float *send, float *recv,
                               muir_tally *tally);

/* Moves everything on until a flight is through, and takes it off the list.
 * tally  in/out  what waiting for it took, and the time of the flight, are added
 * Collective over the op's communicator. MUIR_ERR_MPI. */
muir_status muir_flights_finish(muir_ctx *ctx, muir_flights *p, muir_flight *flight, muir_tally *tally);

/* One round over all that is on its way; where nothing is, MPI itself is progressed. Local. MUIR_ERR_MPI. */
muir_status muir_flights_poll(muir_ctx *ctx, muir_flights *p, muir_tally *tally);

/* Polls until a time on this machine's clock, without sleep; returns at once where it has passed.
 * tally  in/out  the time waited is added
 * Local. MUIR_ERR_MPI. */
muir_status muir_flights_until(muir_ctx *ctx, muir_flights *p, double until_s, muir_tally *tally);

/* Waits for all flights; they stay on the list until they are finished. MUIR_ERR_MPI. */
muir_status muir_flights_land(muir_ctx *ctx, muir_flights *p, muir_tally *tally);

/* Blocks until a prepared collective that was started is through, moving on all flights meanwhile.
 * MUIR_ERR_MPI. */
muir_status muir_flights_block(muir_ctx *ctx, muir_flights *p, muir_coll_op *op);

#endif
