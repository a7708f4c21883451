/* SPDX-License-Identifier: BSD-3-Clause */
/* The kinds of files that make up a scenario, and every key of theirs under one name: "parallel.tp",
 * "chip.tdp_w". */
#ifndef MUIR_SCENARIO_INPUTS_H
#define MUIR_SCENARIO_INPUTS_H

#include "scenario/scenario.h"

enum { MUIR_KEY_SIZE = 3 * MUIR_NAME_SIZE };

/* A kind of file: a row of inputs.def. */
typedef struct muir_input {
    const muir_schema *schema;
    const char *prefix; /* of its keys: "chip.", "" for the scenario itself */
    size_t offset;      /* of the file's struct in muir_scenario [byte] */
} muir_input;

int muir_input_count(void);
const muir_input *muir_input_at(int i);

/* Names of the kinds, as messages list them: "scenario, fleet, ..."; text  out  [size]. Local. */
void muir_input_kinds_text(char *text, size_t size);

/* The file's struct in a scenario; borrowed from it. Local. */
const void *muir_input_file(const muir_input *input, const muir_scenario *scenario);

/* A key, and how to reach the next one. */
typedef struct muir_input_key {
    const muir_input *input;
    const muir_section *section;
    const muir_option *option;
    char name[MUIR_KEY_SIZE]; /* "fleet.fabric.oversubscription" */
    int at[3];                /* of the key that comes next: kind, section, option */
} muir_input_key;

/* Goes on to the next key, the first one from a zeroed struct; false after the last. Local. */
bool muir_input_next(muir_input_key *key);

/* The key of that name; false if there is none.
 * key  out  untouched where false
 * Local. */
bool muir_input_find(const char *name, muir_input_key *key);

/* The kind of file that key=value belongs to by its prefix, and what follows the prefix. Local. */
const muir_input *muir_input_owner(const char *item, const char **rest);

/* Why a run may be resumed with another value of a key; NULL: it may not. Local. */
const char *muir_input_freedom(const char *name);

/* The patterns of inputs.def for which muir_input_freedom has a reason, NULL after the last. Local. */
const char *muir_input_free_pattern(int i);

/* What a wrong key may stand for: keys that end in it (tp: "parallel.tp"), the key that means another
 * program's word, or the one that is spelled most like it; "a or b" where several are as near; "" where
 * none is. kind  in   only keys of that kind, named as in its files; NULL: all, named as in key=value
 * text  out  [size]
 * Local. */
void muir_input_suggest(const muir_schema *kind, const char *name, char *text, size_t size);

#endif
