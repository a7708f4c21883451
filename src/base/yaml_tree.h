/* SPDX-License-Identifier: BSD-3-Clause */
/* A YAML file as a tree: scalars, mappings and sequences, each with its line. One pass over libyaml's
 * events, which refuses what muir's files have no use for: a second document, aliases, tags, deep nesting. */
#ifndef MUIR_BASE_YAML_TREE_H
#define MUIR_BASE_YAML_TREE_H

#include <stddef.h>

#include "base/ctx.h"

typedef enum muir_yaml_kind { MUIR_YAML_SCALAR, MUIR_YAML_MAPPING, MUIR_YAML_SEQUENCE } muir_yaml_kind;

typedef struct muir_yaml_node {
    muir_yaml_kind kind;
    int line;        /* from 1; of the key, in a mapping */
    char *key;       /* in a mapping; NULL elsewhere */
    char *text;      /* of a scalar, without zero bytes inside; NULL elsewhere */
    int first, next; /* first child and next sibling in `nodes`, -1: none */
} muir_yaml_node;

typedef struct muir_yaml_tree {
    muir_yaml_node *nodes; /* [n], the root first */
    int n, room;
} muir_yaml_tree;

/* Reads a file whose root is a mapping.
 * tree  out  free it with muir_yaml_tree_free, also on error
 * Local. MUIR_ERR_ARG with file, line and what is wrong; MUIR_ERR_MEM. */
muir_status muir_yaml_tree_read(muir_ctx *ctx, const char *path, muir_yaml_tree *tree);
void muir_yaml_tree_free(muir_yaml_tree *tree); /* leaves an empty tree */

/* The child of that key, or NULL. Local. */
const muir_yaml_node *muir_yaml_tree_child(const muir_yaml_tree *tree, const muir_yaml_node *mapping,
                                           const char *key);

/* Of libyaml. Local. */
const char *muir_yaml_version(void);

#endif
