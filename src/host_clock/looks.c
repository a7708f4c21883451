/* SPDX-License-Identifier: BSD-3-Clause */
/* Which results are looked at, and how what was found is booked. */
#include "host_clock/looks.h"

/* Salts of neighbouring calls differ little, so their bits are mixed first: a multiplication by an odd number
 * and shifts, which lose nothing. */
bool muir_host_is_checked(const muir_scenario *scenario, uint32_t salt)
{
    uint32_t mixed = salt ^ salt >> 16;
    mixed *= 2246822519u;
    mixed ^= mixed >> 13;
    return scenario->host.check && mixed % (uint32_t)scenario->host.check_every == 0;
}

void muir_host_book(muir_flips *flips, bool is_checked, size_t n_wrong, int n_planted, muir_tally *tally)
{
    if (is_checked) tally->checked++;
    if (n_wrong > (size_t)n_planted) tally->wrong++; /* more than the flips account for */
    tally->planted += n_planted;
    if (n_planted == 0) return;
    muir_flips_settle(flips, is_checked, n_wrong > 0);
    if (n_wrong > 0) tally->caught += n_planted;
}
