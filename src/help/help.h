/* SPDX-License-Identifier: BSD-3-Clause */
/* What `muir help WORD` knows, by topics. Private to cmd/. */
#ifndef MUIR_HELP_HELP_H
#define MUIR_HELP_HELP_H

#include <jansson.h>

#include "cmd/cmd.h"

/* A topic: answers a word by printing, or by adding members to a JSON object where there is one.
 * Returns whether the word is one of its own. Local; call on rank 0. */
typedef struct muir_topic {
    bool (*answer)(const char *word, json_t *json);
    const char *(*word)(int i); /* its words, for suggestions; NULL after the last */
} muir_topic;

extern const muir_topic muir_topic_kinds;     /* scenario, fleet, ...: every key */
extern const muir_topic muir_topic_sections;  /* parallel, fleet.fabric, ...: the keys of one section */
extern const muir_topic muir_topic_keys;      /* parallel.tp, or tp */
extern const muir_topic muir_topic_values;    /* values: how numbers may be written */
extern const muir_topic muir_topic_glossary;  /* words: all of them; MFU: one */
extern const muir_topic muir_topic_telemetry; /* telemetry: all columns; /fleet/mfu: one */
extern const muir_topic muir_topic_events;    /* events: their kinds */
extern const muir_topic muir_topic_plan;      /* plan: what it searches */

#endif
