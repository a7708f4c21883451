/* SPDX-License-Identifier: BSD-3-Clause */
/* The modelled times of collectives on a fleet, as a list. Private to list.c. */
#ifndef MUIR_HELP_LIST_TIMES_H
#define MUIR_HELP_LIST_TIMES_H

#include "base/ctx.h"

/* Prints what each algorithm would take on the first chips of a fleet.
 * fleet  in   a name in data/fleets, or a path
 * chips  in   how many, as the user wrote it; NULL: a server's
 * file   in   path of a collective of the user, priced as one more row; NULL: none
 * json   in   where a JSON document goes instead, "-" for standard output; NULL: text
 * Local. MUIR_ERR_ARG, MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_list_times(muir_ctx *ctx, const char *fleet, const char *chips, const char *file,
                            const char *json);

#endif
