/* SPDX-License-Identifier: BSD-3-Clause */
/* What is out of the ordinary in one attempt of a step: made by the events, felt by the fleet clock. */
#ifndef MUIR_RELIABILITY_DISTURBANCE_H
#define MUIR_RELIABILITY_DISTURBANCE_H

#include <stdint.h>

/* A chip of the job that is slow for a while. */
typedef struct muir_slow_chip {
    int64_t chip; /* number in the job */
    float factor; /* slowdown against its own speed */
} muir_slow_chip;

/* All arrays are borrowed for the step. */
typedef struct muir_disturbance {
    double common;              /* factor on the whole step */
    double extra;               /* further share of the step: spike, periodic line */
    double wait_s;              /* pauses, links that are down */
    double *stretch;            /* [stages] factor on the gradient sync and weight gather */
    const muir_slow_chip *slow; /* [n_slow] */
    int n_slow;
    const int32_t *down; /* [n_down] units of replicas that do not train: unit_replicas neighbours each */
    int32_t n_down, unit_replicas;
    const int32_t *moved; /* [n_moved] slots with another server than at the attempt before */
    int32_t n_moved;
} muir_disturbance;

#endif
