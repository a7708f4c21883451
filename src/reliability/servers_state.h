/* SPDX-License-Identifier: BSD-3-Clause */
/* State of the servers. Private to servers*.c. */
#ifndef MUIR_RELIABILITY_SERVERS_STATE_H
#define MUIR_RELIABILITY_SERVERS_STATE_H

#include "reliability/heap.h"
#include "reliability/servers.h"

struct muir_servers {
    const muir_scenario *scenario; /* borrowed; outlives this */
    int32_t n, n_slots;
    double mean_gap_s;   /* of a server with rate 1; infinity: none ever fails */
    muir_heap *next;     /* of each server: next failure, in repair its end */
    float *rate;         /* [n] against the mean */
    uint8_t *is_lemon;   /* [n] its rate is lemon_factor times what it is after a repair */
    uint32_t *failed;    /* [n] failures since it was new */
    uint8_t *is_retired; /* [n] a new one comes in its place */
    uint32_t *ordinal;   /* [n] number of the failure that comes next */
    uint8_t *state;      /* [n] muir_server_state */
    int32_t *slot_of;    /* [n] -1: not in the job */
    int32_t *server_of;  /* [n_slots] -1: empty */
    int32_t *spare;      /* [n] ring */
    int32_t first_spare, n_spares;
    int32_t *empty; /* [n_slots] empty slots */
    int32_t n_empty;
    int32_t *moved; /* [n_slots] slots whose server changed since muir_servers_settle */
    int32_t n_moved;
    uint8_t *is_moved; /* [n_slots] */
    /* units of replicas */
    int32_t n_units, unit_replicas;
    int32_t *missing;  /* [n_units] empty slots, counted once a group in them */
    int64_t *ready_ns; /* [n_units] when processes are there again, of units that are down */
    int32_t *cause;    /* [n_units] kind of event, of units that are down */
    uint8_t *is_down;  /* [n_units] */
    int32_t *down;     /* [n_units] units that are down */
    int32_t n_down;
};

/* A slot loses its server, or gets one. Local. */
void muir_servers_empty_slot(muir_servers *servers, int32_t slot);
void muir_servers_occupy_slot(muir_servers *servers, int32_t slot, int32_t server);

#endif
