/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives that share a chip's ports: what a hidden one leaves to see when others are on the same port. */
#ifndef MUIR_STEP_TIME_OVERLAP_H
#define MUIR_STEP_TIME_OVERLAP_H

#include "network/network.h"

/* What a collective that the job hides runs along with, in the stretch of a step in which it may run. [s] */
typedef struct muir_overlap {
    double compute_s;       /* compute, under which it runs */
    double wait_s;          /* exposed collectives, during which nothing is computed */
    muir_port_times busy;   /* of those, how long they keep each port busy */
    muir_port_times hidden; /* other hidden collectives and messages, under the same compute */
} muir_overlap;

/* Adds a collective, of which `exposed_s` is seen, to what others run along with.
 * Local. */
void muir_overlap_add(muir_overlap *overlap, muir_port_times ports, double exposed_s);

/* Adds another stretch, `times` over. Local. */
void muir_overlap_sum(muir_overlap *sum, const muir_overlap *overlap, double times);

/* By how much a hidden collective makes the step longer [s]. It starts when the first of `pieces` is ready,
 * and is alone on its ports under compute and while exposed collectives use other ports; flows on one port
 * have equal shares, so an exposed collective on its port takes twice as long. With own time t, of which a
 * share s_i on port i, exposed ones wait = E and E_i on port i, hidden others H_i,
 *     free   = max(0, share (compute + E - sum s_i E_i) - sum s_i H_i)
 *     shared = share sum s_i E_i
 *     f      = 1 - 1 / pieces, or 1 for pieces = 0: what can run before the last piece is ready
 *     (1 - f) t + f shared t / (free + shared)   while t <= free + shared: exposed ones are stretched
 *     t - f free                                 beyond: the port is busy for the sum of its loads
 * own     in   the collectives, one after the other
 * share   in   of the stretch that the software uses, 0 to 1
 * pieces  in   >= 1; 0: without end, and none left over
 * Local. */
double muir_overlap_exposed_s(const muir_overlap *with, muir_port_times own, double share, double pieces);

#endif
