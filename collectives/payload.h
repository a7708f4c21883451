/* SPDX-License-Identifier: BSD-3-Clause */
/* Payloads of every data type whose collective results are known, so that each result can be checked in one
 * pass at the pace of a comparison.
 *
 * Element i of rank r's vector is entry i mod 4093 of a tile that (r, salt) decide: for reductions small
 * whole numbers, whose sums are exact in every type and any order for up to 256 ranks; for what is only
 * moved, any bits. 4093 is a prime, so blocks of round lengths differ. */
#ifndef MUIR_COLLECTIVES_PAYLOAD_H
#define MUIR_COLLECTIVES_PAYLOAD_H

#include <stdint.h>

#include "collectives/coll.h"

typedef struct muir_payload muir_payload;

/* Prepares payloads of one collective.
 * spec  in   borrowed for the call; root counts
 * p     in   ranks
 * rank  in   own
 * out   out  free it with muir_payload_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_payload_create(muir_ctx *ctx, muir_coll_kind kind, const muir_coll_spec *spec, int p,
                                int rank, muir_payload **out);
void muir_payload_destroy(muir_payload **payload); /* accepts NULL, leaves NULL */

/* Fills the own send buffer, as long as muir_coll_lengths says.
 * salt  in   changes from call to call, equal on all ranks
 * Local; allocates nothing. */
void muir_payload_fill(muir_payload *payload, uint32_t salt, void *send);

/* Number of wrong elements in the own result (coll.h says what that is). Local; allocates nothing. */
size_t muir_payload_check(muir_payload *payload, uint32_t salt, const void *recv);

#endif
