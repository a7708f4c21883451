/* SPDX-License-Identifier: BSD-3-Clause */
/* YAML files read against a schema of declared options. Private to scenario/. */
#ifndef MUIR_SCENARIO_YAML_H
#define MUIR_SCENARIO_YAML_H

#include "base/options.h"
#include "base/yaml_tree.h"

enum { MUIR_PATH_SIZE = 1024, MUIR_MAX_OPTIONS = 128 };

/* One file being read: its struct, and which keys were given. */
typedef struct muir_loader {
    const muir_schema *schema; /* borrowed */
    void *file;                /* borrowed: the file's struct */
    char path[MUIR_PATH_SIZE]; /* as shown in messages */
    int given
        [MUIR_MAX_OPTIONS]; /* line of the file on which a key stands; -1: from key=value, 0: not given */
} muir_loader;

/* Sets defaults and reads the file.
 * path    in   the YAML file
 * file    out  the file's struct, kept by the loader
 * loader  out  remembers which keys were given
 * Local. MUIR_ERR_ARG with file, line, key, value and what is allowed. */
muir_status muir_yaml_load(muir_ctx *ctx, const muir_schema *schema, const char *path, void *file,
                           muir_loader *loader);

/* Sets what a mapping of a file gives. `path` of the loader and the nodes' lines start messages. Local.
 * MUIR_ERR_ARG. */
muir_status muir_yaml_apply(muir_ctx *ctx, muir_loader *loader, const muir_yaml_tree *tree,
                            const muir_yaml_node *mapping);

/* As muir_yaml_load without a file: every key has its default. `path` starts messages. Local. */
muir_status muir_yaml_begin(muir_ctx *ctx, const muir_schema *schema, const char *path, void *file,
                            muir_loader *loader);

/* Whether a key was given, by the file or by an override; false also for keys that the schema lacks. Local.
 * */
bool muir_yaml_is_given(const muir_loader *loader, const char *key);

/* Applies one "key=value" text, which goes through the same schema as a file.
 * key    in   "section.name" without the prefix of the file
 * where  in   who asks, starts the message
 * Local. MUIR_ERR_ARG. */
muir_status muir_yaml_override(muir_ctx *ctx, muir_loader *loader, const char *key, const char *value,
                               const char *where);

/* Takes the value of every key that was not given from another file of the same schema; one that the other
 * was given counts as given from here on.
 * is_own  in   whether a key says something about its own file alone and is not taken
 * Local. */
void muir_yaml_inherit(muir_loader *loader, const muir_loader *from, bool (*is_own)(const char *key));

/* Fails if a key without a default was given nowhere. Local. MUIR_ERR_ARG. */
muir_status muir_yaml_finish(muir_ctx *ctx, const muir_loader *loader);

#endif
