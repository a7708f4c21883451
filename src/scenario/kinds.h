/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of events, and which of them are causes of a server's failures (kinds.def). */
#ifndef MUIR_SCENARIO_KINDS_H
#define MUIR_SCENARIO_KINDS_H

#include <stdbool.h>

typedef enum muir_kind {
#define CAUSE(name, reach, noticed, help) MUIR_KIND_##name,
#define OTHER(name, help) MUIR_KIND_##name,
#define JOB(name, noticed, help) MUIR_KIND_##name,
#include "scenario/kinds.def"
#undef CAUSE
#undef OTHER
#undef JOB
    MUIR_KIND_COUNT
} muir_kind;

/* Causes of failures come first, so they are 0 .. MUIR_CAUSE_COUNT - 1. */
enum {
    MUIR_CAUSE_COUNT = 0
#define CAUSE(name, reach, noticed, help) +1
#define OTHER(name, help)
#define JOB(name, noticed, help)
#include "scenario/kinds.def"
#undef CAUSE
#undef OTHER
#undef JOB
};

const char *muir_kind_name(int kind); /* "chip"; never NULL */
const char *muir_kind_help(int kind); /* never NULL */

/* The kind of that name, MUIR_KIND_COUNT if there is none. Local. */
int muir_kind_find(const char *name);

/* Whether it is a failure of the whole job; of a server or the whole job. Local. */
bool muir_kind_is_of_job(int kind);
bool muir_kind_is_failure(int kind);

#endif
