/* SPDX-License-Identifier: BSD-3-Clause */
/* Payloads whose collective results have a closed form, so that every result can be checked in one pass.
 *
 * Element i of rank r's vector is
 *     v(i, salt) + r, v = (7 i + salt) mod 16
 * small whole numbers, whose sum over p ranks is exact in fp32 in any order. */
#ifndef MUIR_HOST_CLOCK_PATTERN_H
#define MUIR_HOST_CLOCK_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/words.h"

/* What a rank puts into a collective.
 * x      out  [n]
 * first  in   number of the rank's first element in the collective
 * Local. */
void muir_pattern_fill(float *x, size_t n, size_t first, int rank, uint32_t salt);

/* Number of wrong elements of a sum over p ranks, x[n] being elements first .. first + n - 1. Local. */
size_t muir_pattern_check_sum(const float *x, size_t n, size_t first, int p, uint32_t salt);

/* Number of wrong elements in what came from one rank. Local. */
size_t muir_pattern_check_copy(const float *x, size_t n, size_t first, int rank, uint32_t salt);

/* Number of wrong elements in a rank's result of a whole collective (collectives/coll.h says what that is);
 * the root of broadcast and reduce is rank 0.
 * recv   in   this rank's result
 * count  in   of the collective [elements]
 * Local. */
size_t muir_pattern_check(muir_coll_kind kind, const float *recv, size_t count, int p, int rank,
                          uint32_t salt);

#endif
