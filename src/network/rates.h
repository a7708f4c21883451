/* SPDX-License-Identifier: BSD-3-Clause */
/* Max-min rates of jobs on shared uplinks, kept while jobs start and stop talking. */
#ifndef MUIR_NETWORK_RATES_H
#define MUIR_NETWORK_RATES_H

#include "network/uplinks.h"

typedef struct muir_rates muir_rates;

/* Nobody talks at first.
 * uplinks  in   borrowed; outlives the rates
 * Local. MUIR_ERR_MEM. */
muir_status muir_rates_create(muir_ctx *ctx, const muir_uplinks *uplinks, muir_rates **out);
void muir_rates_destroy(muir_rates **rates); /* accepts NULL, leaves NULL */

/* A job starts or stops talking; rates are old until muir_rates_settle. Local. */
void muir_rates_talk(muir_rates *rates, int job, bool is_talking);

/* Max-min rates of the jobs that talk: all rise together until an uplink is full, whose jobs stay where they
 * are, or a job has all that it could have alone. Only uplinks that have held somebody up are looked at
 * closely; where the rates that follow overfill another one, it joins them. The result is that of all
 * uplinks: rates that are max-min under fewer limits and break none of the others are max-min under all.
 * Local; allocates nothing. Source: Bertsekas and Gallager, Data Networks, 1992, section 6.5. */
void muir_rates_settle(muir_rates *rates);

/* Of a job, 0 to 1; 0 while it does not talk. Local. */
double muir_rates_of(const muir_rates *rates, int job);

#endif
