/* SPDX-License-Identifier: BSD-3-Clause */
/* Time of an algorithm on a network that need not exist: its list of steps walked round by round over links.
 *
 *     t = sum over rounds of (alpha + most over links of bytes / rate)
 *
 * A round's messages are those that start after as many messages on their longest chain; they travel
 * together and share links. Inside a server a message goes along the torus, x first, then y, then z, each the
 * shorter way round, or through both ranks' ports of a switch; between servers through both ranks' far ports.
 * alpha is that of the farthest message of the round. With one kind of port, where every round's busiest rank
 * is the same one, this is the closed form of the row,
 *     t = rounds alpha + bytes_sent / rate */
#ifndef MUIR_COLLECTIVES_WALK_H
#define MUIR_COLLECTIVES_WALK_H

#include "collectives/coll.h"

enum { MUIR_WALK_DIMS = 3, MUIR_WALK_RANKS = 256 };

/* Where ranks sit: `local` of them in each server, numbered through. Rates are of one direction. */
typedef struct muir_coll_network {
    int local;                /* ranks in a server, >= 1; the last one may have fewer */
    bool is_torus;            /* or a switch */
    int side[MUIR_WALK_DIMS]; /* torus of chips in a server; ranks are the first of them, x fastest */
    double link_byte_per_s[MUIR_WALK_DIMS]; /* torus: of one link along each side */
    double port_byte_per_s;                 /* switch: of a rank's port */
    double alpha_s;                         /* of a message inside a server */
    double far_byte_per_s, far_alpha_s;     /* of a rank's port between servers */
} muir_coll_network;

typedef struct muir_coll_walk {
    int rounds;
    double alpha_s; /* sum of alphas, the part of the time that no byte has a share in */
    double time_s;
    double most_sent; /* by a rank, over all rounds [byte] */
    double
        most_link[MUIR_WALK_DIMS]; /* through a link of the torus along each side, over all rounds [byte] */
    double most_far;               /* out of a rank's port between servers [byte] */
} muir_coll_walk;

/* Walks a collective.
 * coll   in   row with `steps` that fits p
 * bytes  in   nccl-tests' size, rounded to elements of 4 bytes
 * p      in   ranks, 1 .. MUIR_WALK_RANKS
 * walk   out  untouched on error
 * Local. MUIR_ERR_ARG (p), MUIR_ERR_MEM. */
muir_status muir_coll_walk_make(muir_ctx *ctx, const muir_coll *coll, double bytes, int p,
                                const muir_coll_network *network, muir_coll_walk *walk);

/* The same of a collective that a file makes, over its ranks. Local. */
muir_status muir_coll_walk_file(muir_ctx *ctx, const struct muir_coll_file *file, double bytes,
                                const muir_coll_network *network, muir_coll_walk *walk);

#endif
