/* SPDX-License-Identifier: BSD-3-Clause */
/* The data folder: what is in it, and where a name lies. */
#ifndef MUIR_SCENARIO_CATALOGUE_H
#define MUIR_SCENARIO_CATALOGUE_H

#include <stddef.h>

#include "base/ctx.h"

/* The folder that holds fleets/, models/, ...: $MUIR_DATA, else share/muir/data beside an installed program,
 * else the folder of the source tree that the program was built from.
 * path  out  [size]
 * Local. MUIR_ERR_ARG if there is none. */
muir_status muir_catalogue_root(muir_ctx *ctx, char *path, size_t size);

/* Path of a file by name or path: what holds a '/' or ends in .yaml, .yml or .json is a path, all else a
 * name in the folder, or, where the folder has none of that name, of a file in the current one.
 * folder  in   "fleets"
 * where   in   who asks, starts the message: "rainier.yaml: fleet"
 * path    out  [size]
 * Local. MUIR_ERR_ARG with the known names, or with the kind of file that has such a name. */
muir_status muir_catalogue_find(muir_ctx *ctx, const char *folder, const char *name, const char *where,
                                char *path, size_t size);

/* Length of the ending by which a name is that of a data file: 5 for "x.yaml", 0 for "x". Local. */
size_t muir_catalogue_ending(const char *name);

/* Whether the folder has a file of that name. Local. */
bool muir_catalogue_has(muir_ctx *ctx, const char *folder, const char *name);

/* Names in a folder, sorted.
 * names  out  [n] texts, freed with muir_catalogue_free; untouched on error
 * n      out  how many; untouched on error
 * Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_catalogue_names(muir_ctx *ctx, const char *folder, char ***names, int *n);
void muir_catalogue_free(char ***names, int n); /* accepts NULL, leaves NULL */

#endif
