/* SPDX-License-Identifier: BSD-3-Clause */
/* Distributions for events, from counters: a draw is a function of seed, stream, place, ordinal and
 * purpose. */
#ifndef MUIR_RELIABILITY_DRAWS_H
#define MUIR_RELIABILITY_DRAWS_H

#include <stdint.h>

#include "base/rng.h"

/* Where a draw stands. */
typedef struct muir_draw {
    uint64_t seed;
    muir_stream stream;
    uint64_t place;   /* server, or 0 for the whole fleet */
    uint32_t ordinal; /* of the event at this place */
} muir_draw;

/* Each takes `which`, the purpose of the draw, below 2^24; gamma uses which .. which + 127. All Local. */
double muir_draw_uniform(const muir_draw *draw, uint32_t which); /* in (0, 1), 53 bits */
double muir_draw_between(const muir_draw *draw, uint32_t which, double least, double most);
double muir_draw_exponential(const muir_draw *draw, uint32_t which); /* mean 1 */
double muir_draw_lognormal(const muir_draw *draw, uint32_t which, double median, double sigma);

/* Gamma with the given shape > 0 and scale 1. Source: Marsaglia and Tsang, "A simple method for generating
 * gamma variables", ACM TOMS 26(3), 2000. */
double muir_draw_gamma(const muir_draw *draw, uint32_t which, double shape);

/* A gap of a renewal process with Weibull gaps of mean 1: from one event to the next; and from a moment long
 * after the process has begun to the next event (length-biased gap, of which a uniform part is left). */
double muir_draw_weibull(const muir_draw *draw, uint32_t which, double shape);
double muir_draw_weibull_rest(const muir_draw *draw, uint32_t which, double shape);

#endif
