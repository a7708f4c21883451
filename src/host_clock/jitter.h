/* SPDX-License-Identifier: BSD-3-Clause */
/* Jitter: how much the time of the same work differs on this machine. */
#ifndef MUIR_HOST_CLOCK_JITTER_H
#define MUIR_HOST_CLOCK_JITTER_H

#include "base/ctx.h"

/* Measures it: about 2 ms of the same products, again and again, on all ranks at once. Of each rank the
 * deviation of its times over their median, by the median of deviations,
 *     sigma = 1.4826 median |t - median t| / median t
 * so that a rare interruption does not count; of all ranks the root of the mean square.
 * sigma  out  untouched on error; the same on all ranks
 * Collective over ctx->comm; takes about 0.3 s. Source of the factor: the normal distribution's quartiles.
 * MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_host_jitter(muir_ctx *ctx, double *sigma);

#endif
