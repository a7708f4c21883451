/* SPDX-License-Identifier: BSD-3-Clause */
/* Which results are looked at, and how what was found is booked. */
#ifndef MUIR_HOST_CLOCK_LOOKS_H
#define MUIR_HOST_CLOCK_LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host_clock/flips.h"
#include "host_clock/tally.h"
#include "scenario/scenario.h"

/* Whether the result of a call is looked at: host.check, one in host.check_every by the salt, so that the
 * ranks of a collective agree. Local. */
bool muir_host_is_checked(const muir_scenario *scenario, uint32_t salt);

/* Books a result that n_planted flips were put into and of which n_wrong rows or elements were wrong.
 * flips  in/out  those that were planted are settled; NULL: none are
 * Local. */
void muir_host_book(muir_flips *flips, bool is_checked, size_t n_wrong, int n_planted, muir_tally *tally);

#endif
